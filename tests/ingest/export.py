"""A small chain as ethereum-etl exports it, from a seed: eight tables that fit together."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final

from ingest.sources.evm.logs import APPROVAL, SWAP_V2, TRANSFER
from tests.given import address, hash_of

Row = dict[str, object]
Table = Sequence[Row]

PEOPLE: Final = tuple(address(f"person {number}") for number in range(12))
TOKENS: Final = tuple(address(f"token {number}") for number in range(3))
POOL: Final = address("pool")
MINER: Final = address("miner")
FIRST_BLOCK: Final = 4_000_000
FIRST_AT: Final = 1_500_000_000

#: In the order in which a load takes them.
TABLES: Final = (
    "blocks",
    "tokens",
    "contracts",
    "transactions",
    "receipts",
    "logs",
    "token_transfers",
    "traces",
)


def export(seed: int, *, transactions: int, per_block: int = 4) -> dict[str, list[Row]]:
    """The tables by name. Nothing but blocks (and some transactions) tells the time."""
    made = _Chain(Random(seed))
    for number in range(transactions):
        made.transact(number, block=FIRST_BLOCK + number // per_block, index=number % per_block)
    made.finish()
    return made.tables


def written(folder: Path, tables: Mapping[str, Table]) -> dict[str, Path]:
    """Each table as a CSV file below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    return {name: csv_file(folder / f"{name}.csv", rows) for name, rows in tables.items()}


def csv_file(path: Path, rows: Table) -> Path:
    """A CSV file with a header; None is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def transfer_rows(seed: int, *, rows: int, first: int = 0) -> Iterator[Row]:
    """Decoded token transfers numbered from ``first``; the same number is the same transfer."""
    for number in range(first, first + rows):
        random = Random(f"{seed} {number}")
        sender, recipient = random.sample(PEOPLE, 2)
        yield {
            "token_address": random.choice(TOKENS),
            "from_address": sender,
            "to_address": recipient,
            "value": random.randrange(2**70, 2**80),
            "transaction_hash": hash_of(f"{seed} {number // 3}"),
            "log_index": number,
            "block_number": FIRST_BLOCK + number // 48,
            "block_timestamp": FIRST_AT + 15 * (number // 48),
        }


class _Chain:
    def __init__(self, random: Random) -> None:
        self._random = random
        self.tables: dict[str, list[Row]] = {name: [] for name in TABLES}
        self._blocks: dict[int, int] = {}
        self._made: list[str] = []

    def transact(self, number: int, *, block: int, index: int) -> None:
        random = self._random
        self._blocks.setdefault(block, FIRST_AT + 13 * block)
        sender, other = random.sample(PEOPLE, 2)
        tx = {"hash": hash_of(f"tx {number}"), "block": block, "index": index, "sender": sender}
        kind = random.choice(("pay", "pay", "fail", "token", "token", "approve", "swap", "create"))
        value = random.randrange(1, 10**21) if kind in ("pay", "fail") else 0
        to: str | None = {"token": TOKENS[number % 3], "approve": TOKENS[number % 3]}.get(
            kind, POOL if kind == "swap" else other
        )
        created = address(f"contract {number}") if kind == "create" else None
        if created is not None:
            self._made.append(created)
            to = None
        self._sign(tx, number, to=to, value=value)
        self._receipt(tx, created=created, status=0 if kind == "fail" else 1)
        self._trace(tx, to=created or to, value=value, status=0 if kind == "fail" else 1)
        if kind == "token":
            self._moved(tx, TOKENS[number % 3], sender, other, log=0)
        elif kind == "approve":
            topics = (APPROVAL, _word(sender), _word(other))
            self._log(tx, TOKENS[number % 3], topics, [2**256 - 1], log=0)
        elif kind == "swap":
            self._swap(tx, log=0)
        elif kind == "pay" and number % 3 == 0:
            # What the recipient passes on, one call deeper.
            self._trace(tx, to=random.choice(PEOPLE), value=value // 2, path="0", sender=other)

    def finish(self) -> None:
        for number, time in self._blocks.items():
            own, parent = hash_of(f"block {number}"), hash_of(f"block {number - 1}")
            row: Row = {"number": number, "hash": own, "parent_hash": parent, "timestamp": time}
            self.tables["blocks"].append(row)
            self.tables["traces"].append(
                _trace_row(block=number, kind="reward", to=MINER, value=5 * 10**18, path="0")
            )
        for number, token in enumerate(TOKENS):
            self.tables["tokens"].append(
                {
                    "address": token,
                    "symbol": f"T{number}",
                    "name": f"Token {number}",
                    "decimals": 6 * number,
                    "total_supply": 10**30,
                    "block_number": "",
                }
            )
        for contract in (*TOKENS, POOL, *self._made):
            erc20 = str(contract in TOKENS).lower()
            self.tables["contracts"].append(
                {"address": contract, "bytecode": "0x60", "is_erc20": erc20}
            )

    def _sign(self, tx: Row, number: int, *, to: str | None, value: int) -> None:
        self.tables["transactions"].append(
            {
                "hash": tx["hash"],
                "nonce": number,
                "block_hash": "",
                "block_number": tx["block"],
                "transaction_index": tx["index"],
                "from_address": tx["sender"],
                "to_address": to,
                "value": value,
                "gas": 90_000,
                "gas_price": 10**9,
                "input": "0x" if value else "0xa9059cbb" + "0" * 64,
            }
        )

    def _receipt(self, tx: Row, *, created: str | None, status: int) -> None:
        self.tables["receipts"].append(
            {
                "transaction_hash": tx["hash"],
                "transaction_index": tx["index"],
                "block_hash": "",
                "block_number": tx["block"],
                "cumulative_gas_used": 50_000,
                "gas_used": 21_000,
                "contract_address": created,
                "root": "",
                "status": status,
                "effective_gas_price": 10**9,
            }
        )

    def _trace(
        self,
        tx: Row,
        *,
        to: str | None,
        value: int,
        path: str = "",
        sender: str | None = None,
        status: int = 1,
    ) -> None:
        row = _trace_row(
            block=tx["block"], kind="call", to=to, value=value, path=path, status=status
        )
        row |= {"transaction_hash": tx["hash"], "from_address": sender or tx["sender"]}
        self.tables["traces"].append(row | {"call_type": "call"})

    def _moved(self, tx: Row, token: str, sender: str, to: str, *, log: int) -> None:
        amount = self._random.randrange(2**64, 2**200)
        self._log(tx, token, (TRANSFER, _word(sender), _word(to)), [amount], log=log)
        self.tables["token_transfers"].append(
            {
                "token_address": token,
                "from_address": sender,
                "to_address": to,
                "value": amount,
                "transaction_hash": tx["hash"],
                "log_index": log,
                "block_number": tx["block"],
            }
        )

    def _swap(self, tx: Row, *, log: int) -> None:
        sender = str(tx["sender"])
        self._moved(tx, TOKENS[0], sender, POOL, log=log)
        self._moved(tx, TOKENS[1], POOL, sender, log=log + 1)
        topics = (SWAP_V2, _word(sender), _word(sender))
        self._log(tx, POOL, topics, [1_000, 0, 0, 990], log=log + 2)

    def _log(
        self, tx: Row, contract: str, topics: Sequence[str], words: Sequence[int], *, log: int
    ) -> None:
        self.tables["logs"].append(
            {
                "log_index": log,
                "transaction_hash": tx["hash"],
                "transaction_index": tx["index"],
                "block_hash": "",
                "block_number": tx["block"],
                "address": contract,
                "data": "0x" + "".join(f"{word:064x}" for word in words),
                "topics": ",".join(topics),
            }
        )


def _trace_row(
    *, block: object, kind: str, to: str | None, value: int, path: str, status: int = 1
) -> Row:
    return {
        "block_number": block,
        "transaction_hash": "",
        "transaction_index": "",
        "from_address": "",
        "to_address": to,
        "value": value,
        "trace_type": kind,
        "call_type": "",
        "reward_type": "block" if kind == "reward" else "",
        "trace_address": path,
        "status": status,
    }


def _word(address_: str) -> str:
    return "0x" + "0" * 24 + address_[2:]
