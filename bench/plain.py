"""What real files move, read by plain Python: csv, json and integers, and nothing of the loader's.

A second opinion for ``python -m bench real``. Each reader yields moves with a key that is the same
wherever the same transfer is told again, in another file or another row.
"""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple, TextIO

import pyarrow.parquet as pq

ETHER: Final = "eip155:1/slip44:60"
BITCOIN: Final = "bip122:000000000019d6689c085ae165831e93/slip44:0"
#: Of the chains in the Hop files: the chain's id and its own coin.
HOP_CHAINS: Final = {
    "polygon": ("eip155:137", "eip155:137/slip44:966"),
    "xdai": ("eip155:100", "eip155:100/slip44:700"),
}
#: Decimals of the tokens that come in whole units.
DECIMALS: Final = {
    "0xdac17f958d2ee523a2206206994597c13d831ec7": 6,
    "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": 6,
    "0xa47c8bf37f92abed4a126bda807a7b7498661acd": 18,
}
WETH: Final = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
_ZERO: Final = "0x" + "0" * 40
_TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_DEPOSIT: Final = "0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c"
_WITHDRAWAL: Final = "0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"


class Move(NamedTuple):
    """One transfer; what a file does not say is None."""

    key: Hashable
    chain: str
    token: str | None
    sender: str | None
    recipient: str
    amount: int | None


class Totals:
    """What moves add up to: per token, per pair of wallets and token, per wallet and token."""

    def __init__(self) -> None:
        self.transfers: Counter[str] = Counter()
        self.amounts: Counter[str] = Counter()
        self.flows: dict[tuple[str, str, str | None], tuple[int, int | None]] = {}
        self.holdings: dict[tuple[str, str], tuple[int, int, int]] = {}
        self._seen: set[Hashable] = set()

    def add(self, moves: Iterable[Move]) -> None:
        """Count moves in that were not counted yet."""
        for move in moves:
            if move.key not in self._seen:
                self._seen.add(move.key)
                self.count(move)

    def count(self, move: Move) -> None:
        """Count a move in."""
        name = move.token or f"{move.chain} (unknown)"
        self.transfers[name] += 1
        if move.amount is not None:
            self.amounts[name] += move.amount
        if move.sender is not None:
            key = (move.sender, move.recipient, move.token)
            number, amount = self.flows.get(key, (0, 0))
            known = amount is not None and move.amount is not None
            self.flows[key] = (number + 1, (amount or 0) + (move.amount or 0) if known else None)
        if move.token is not None:
            self.hold(move.recipient, move.token, received=move.amount)
            if move.sender is not None:
                self.hold(move.sender, move.token, sent=move.amount)

    def hold(
        self, wallet: str, token: str, *, received: int | None = 0, sent: int | None = 0
    ) -> None:
        """Count what one wallet received or sent; None for an amount that nobody knows."""
        old_received, old_sent, old_unknown = self.holdings.get((wallet, token), (0, 0, 0))
        unknown = (received is None) + (sent is None)
        self.holdings[wallet, token] = (
            old_received + (received or 0),
            old_sent + (sent or 0),
            old_unknown + unknown,
        )


def ethereum_2017(folder: Path) -> Iterator[Move]:
    """Payments of ``eth_tx_2017``, and its transfers in whole tokens."""
    yield from _payments(_rows(folder / "transactions_a.csv.gz"), names=("hash", "from_address"))
    for number, row in enumerate(_rows(folder / "token_transfers_14669683.csv")):
        token = row["contract_address"].lower()
        raw = Decimal(row["value"]).scaleb(DECIMALS[token])
        if raw != int(raw):
            raise ValueError(f"Row {number} has a fraction of a base unit.")
        yield Move(
            ("row", number),
            "eip155:1",
            _erc20(token),
            _wallet(row["from_address"]),
            _wallet(row["to_address"]),
            int(raw),
        )


def graphsense(folder: Path) -> Iterator[Move]:
    """Payments, internal transfers, rewards, genesis and ERC-20 transfers of ``graphsense_eth``."""
    yield from _payments(_rows(folder / "transactions.csv.gz"), names=("txHash", "fromAddress"))
    yield from _traces(list(_rows(folder / "traces.csv.gz")))
    with gzip.open(folder / "logs.json.gz", "rt", encoding="utf-8") as lines:
        yield from (move for line in lines for move in _logged(json.loads(line)))


def hop(folder: Path) -> Iterator[Move]:
    """Transfers of ``hop_transfers``: who and whom, nothing else."""
    with pq.ParquetFile(folder / "transfers.parquet") as parquet:
        number = 0
        for batch in parquet.iter_batches(50_000):
            for row in batch.to_pylist():
                number += 1
                chain, coin = HOP_CHAINS[row["chain"]]
                token = coin if row["kind"] == "native" else None
                sender, recipient = (
                    f"{chain}:{row[name]}" for name in ("from_address", "to_address")
                )
                yield Move(number, chain, token, sender, recipient, None)


class Coins(NamedTuple):
    """What the outputs of a UTXO chain add up to, in satoshi."""

    made: int
    spent: int
    holdings: dict[tuple[str, str], tuple[int, int, int]]


def bitcoin_2009(folder: Path) -> Coins:
    """Outputs of ``btc_2009``, each counted once however often it is listed."""
    owners = {
        row["adr_index"]: f"{BITCOIN.partition('/')[0]}:{row['adr_hash']}"
        for row in _rows(folder / "adr_hash.csv.gz")
    }
    outputs = {row["output_index"]: row for row in _rows(folder / "tx_output.csv.gz")}
    spent = {row["output_index"]: row for row in _rows(folder / "tx_input.csv.gz")}
    totals = Totals()
    for number, row in outputs.items():
        owner = owners.get(row["adr_index"])
        if owner is not None:
            value = int(row["output_value"])
            totals.hold(owner, BITCOIN, received=value, sent=value if number in spent else 0)
    return Coins(
        made=sum(int(row["output_value"]) for row in outputs.values()),
        spent=sum(int(row["input_value"]) for row in spent.values()),
        holdings=totals.holdings,
    )


def _payments(rows: Iterable[dict[str, str]], *, names: tuple[str, str]) -> Iterator[Move]:
    """What transactions pay themselves; a contract that one creates is told by its traces."""
    hash_, sender = names
    recipient = sender.replace("from", "to")
    for row in rows:
        if int(row["value"]) and row[recipient]:
            yield _ether(
                ("native", row[hash_]), row[sender], row[recipient], value=int(row["value"])
            )


def _traces(rows: list[dict[str, str]]) -> Iterator[Move]:
    failed = {_path(row) for row in rows if row["txHash"] and row["status"] == "0"}
    for row in rows:
        value = int(Decimal(row["value"]))
        if not value:
            continue
        if not row["txHash"]:
            yield _ether(row["traceId"], None, row["toAddress"], value=value)
            continue
        transaction, *path = _path(row)
        undone = any((transaction, *path[:length]) in failed for length in range(len(path) + 1))
        moving = not row["traceId"].startswith("call") or row["callType"] == "call"
        if moving and not undone:
            key = ("trace", transaction, *path) if path else ("native", transaction)
            yield _ether(key, row["fromAddress"], row["toAddress"], value=value)


def _path(row: dict[str, str]) -> tuple[str, ...]:
    """The transaction of a trace, and its place below it."""
    return (row["txHash"], *(step for step in row["traceId"].split("_")[2:] if step))


def _logged(log: dict[str, str]) -> Iterator[Move]:
    topics, data = log["topics"], log["data"]
    if not topics or len(data) != 66:
        return
    parties = ["0x" + topic[-40:] for topic in topics[1:]]
    match topics[0], parties:
        case str(kind), [sender, recipient] if kind == _TRANSFER:
            pass
        case str(kind), [recipient] if kind == _DEPOSIT and log["address"] == WETH:
            sender = _ZERO
        case str(kind), [sender] if kind == _WITHDRAWAL and log["address"] == WETH:
            recipient = _ZERO
        case _:
            return
    yield Move(
        ("log", log["txHash"], log["logIndex"]),
        "eip155:1",
        _erc20(log["address"]),
        _wallet(sender),
        _wallet(recipient),
        int(data, 16),
    )


def _ether(key: Hashable, sender: str | None, recipient: str, *, value: int) -> Move:
    source = _wallet(sender) if sender else None
    return Move(key, "eip155:1", ETHER, source, _wallet(recipient), value)


def _erc20(address: str) -> str:
    return f"eip155:1/erc20:{address.lower()}"


def _wallet(address: str) -> str:
    return f"eip155:1:{address.lower()}"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with _text(path) as file:
        yield from csv.DictReader(file)


def _text(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
