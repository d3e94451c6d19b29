"""Bitcoin as bitcoin-etl exports it, enriched: blocks and transactions with inputs and outputs.

An extract too: a block is written when it holds a transaction of the economy, with its coinbase
first. Coins that people had before the extract begins are spent from transactions that are not in
it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from deskgraph.sample import cast
from deskgraph.sample.agenda import Agenda
from deskgraph.sample.files import JsonLines
from graph_api.domain.scripts import address_of_script, hash160

BITCOIN: Final = 10**8

_BLOCK_S: Final = 600
_SUBSIDY: Final = 312_500_000
_MATURE_AFTER: Final = 100
_DUST: Final = 546
#: Virtual bytes of an input, an output and the rest, about; the rate is in satoshi per byte.
_INPUT_BYTES, _OUTPUT_BYTES, _OTHER_BYTES = 68, 33, 11


class Script(NamedTuple):
    """A locking script, and the addresses that an export names for it."""

    hex: str
    kind: str
    addresses: tuple[str, ...]


class Coin(NamedTuple):
    """An output that somebody can spend, from the block ``usable_from`` on."""

    txid: str
    place: int
    amount: int
    script: Script
    usable_from: int = 0


class Purse:
    """One owner's coins and keys; every address is of the same kind, ``home`` is the first.

    A business ``reuses`` its home for change and rewards, people get a fresh address each time.
    """

    def __init__(self, seed: int, owner: str, kind: str, *, reuses: bool) -> None:
        self.owner, self.kind, self.reuses = owner, kind, reuses
        self.coins: dict[tuple[str, int], Coin] = {}
        self.addresses: list[str] = []
        self._seed = seed
        self.home = self.fresh()

    def fresh(self) -> Script:
        """A script of an address that was never used."""
        key = cast.digest(self._seed, f"bitcoin key {self.owner} {len(self.addresses)}")
        script = _script(self.kind, key)
        self.addresses.extend(script.addresses)
        return script

    def own(self) -> Script:
        """Where the owner's change and rewards go."""
        return self.home if self.reuses else self.fresh()

    def pick(self, amount: int, *, height: int) -> list[Coin] | None:
        """Coins worth ``amount`` at least, the oldest first; None where there are not enough."""
        picked: list[Coin] = []
        for coin in self.coins.values():
            if coin.usable_from <= height:
                picked.append(coin)
                amount -= coin.amount
                if amount <= 0:
                    return picked
        return None

    def put(self, coin: Coin) -> None:
        self.coins[coin.txid, coin.place] = coin

    def take(self, coin: Coin) -> None:
        del self.coins[coin.txid, coin.place]


class Payment(NamedTuple):
    """An output to make; ``to`` gets the coin, nobody where a script is all there is."""

    to: Purse | None
    amount: int
    script: Script


class CoinChain:
    """Makes transactions at the agenda's moment and writes them with their blocks."""

    def __init__(
        self, folder: Path, agenda: Agenda, *, seed: int, first_block: int, pool: Purse
    ) -> None:
        self._agenda, self._seed, self._first_block, self._pool = agenda, seed, first_block, pool
        self._blocks = JsonLines(folder / "blocks.json")
        self._transactions = JsonLines(folder / "transactions.json.gz")
        self.paths = [self._blocks.path, self._transactions.path]
        self._open_block = -1
        self._waiting: list[dict[str, Any]] = []
        self._made = 0

    @property
    def height(self) -> int:
        return self._first_block + (self._agenda.now - self._agenda.opens_at) // _BLOCK_S

    def endow(self, purse: Purse, amount: int) -> None:
        """A coin from before the extract."""
        txid = cast.digest(self._seed, f"bitcoin past {purse.owner} {len(purse.addresses)}").hex()
        purse.put(Coin(txid, 0, amount, purse.fresh()))

    def pay(self, payer: Purse, payments: Sequence[Payment], *, rate: int = 12) -> str | None:
        """Make ``payments`` out of the payer's oldest coins; change comes back to the payer."""
        wanted = sum(payment.amount for payment in payments)
        coins = payer.pick(wanted + _fee(8, len(payments) + 1, rate), height=self.height)
        if coins is None:
            return None
        left = sum(coin.amount for coin in coins) - wanted
        left -= _fee(len(coins), len(payments) + 1, rate)
        if left < 0:
            return None
        change = [Payment(payer, left, payer.own())] if left > _DUST else []
        return self.transact([(payer, coin) for coin in coins], [*payments, *change])

    def sweep(self, payer: Purse, coins: Sequence[Coin], to: Purse, *, rate: int = 4) -> str | None:
        """Spend ``coins`` into one of ``to``."""
        amount = sum(coin.amount for coin in coins) - _fee(len(coins), 1, rate)
        if amount <= _DUST:
            return None
        return self.transact([(payer, coin) for coin in coins], [Payment(to, amount, to.own())])

    def transact(self, spent: Sequence[tuple[Purse, Coin]], payments: Sequence[Payment]) -> str:
        """Any transaction: inputs and outputs in this order, what is left over is the fee."""
        height = self.height
        if height != self._open_block:
            self._seal()
            self._open_block = height
        txid = self._txid()
        for owner, coin in spent:
            owner.take(coin)
        for index, payment in enumerate(payments):
            if payment.to is not None:
                payment.to.put(Coin(txid, index, payment.amount, payment.script))
        self._waiting.append(_row(txid, [coin for _, coin in spent], payments))
        return txid

    def close(self) -> None:
        """Write what is still open."""
        self._seal()
        self._blocks.close()
        self._transactions.close()

    def _seal(self) -> None:
        if self._open_block < 0:
            return
        number = self._open_block
        reward = Payment(
            self._pool, _SUBSIDY + sum(row["fee"] for row in self._waiting), self._pool.own()
        )
        coinbase = self._txid()
        self._pool.put(Coin(coinbase, 0, reward.amount, reward.script, number + _MATURE_AFTER))
        time = self._agenda.opens_at + (number - self._first_block) * _BLOCK_S
        placed = {
            "block_number": number,
            "block_hash": self._hash(number),
            "block_timestamp": time,
        }
        rows = [_row(coinbase, [], [reward]), *self._waiting]
        self._blocks.add(
            {
                "hash": self._hash(number),
                "number": number,
                "version": 536870912,
                "merkle_root": cast.digest(self._seed, f"bitcoin root {number}").hex(),
                "timestamp": time,
                "transaction_count": len(rows),
            }
        )
        for index, row in enumerate(rows):
            self._transactions.add({**row, **placed, "index": index, "is_coinbase": index == 0})
        self._waiting = []

    def _hash(self, number: int) -> str:
        return "00000000" + cast.digest(self._seed, f"bitcoin block {number}").hex()[8:]

    def _txid(self) -> str:
        self._made += 1
        return cast.digest(self._seed, f"bitcoin transaction {self._made}").hex()


def note(text: str) -> Payment:
    """An output that carries ``text`` and no value."""
    data = text.encode()
    return Payment(None, 0, Script(f"6a{len(data):02x}{data.hex()}", "nulldata", ()))


def shared(first: Purse, second: Purse, amount: int, *, seed: int) -> Payment:
    """An output that two people hold together (bare multisig), without an address of its own."""
    owners = first.owner, second.owner
    keys = [b"\x02" + cast.digest(seed, f"bitcoin shared {owner}") for owner in owners]
    script = "52" + "".join(f"21{key.hex()}" for key in keys) + "52ae"
    named = [address_of_script(f"76a914{hash160(key).hex()}88ac") for key in keys]
    return Payment(None, amount, Script(script, "multisig", tuple(str(name) for name in named)))


def _script(kind: str, key: bytes) -> Script:
    script = {
        "pubkeyhash": f"76a914{key[:20].hex()}88ac",
        "scripthash": f"a914{key[:20].hex()}87",
        "witness_v0_keyhash": f"0014{key[:20].hex()}",
        "witness_v1_taproot": f"5120{key.hex()}",
        "pubkey": f"2102{key.hex()}ac",
    }[kind]
    return Script(script, kind, (str(address_of_script(script)),))


def _fee(inputs: int, outputs: int, rate: int) -> int:
    return rate * (_OTHER_BYTES + inputs * _INPUT_BYTES + outputs * _OUTPUT_BYTES)


def _row(txid: str, spent: Sequence[Coin], payments: Sequence[Payment]) -> dict[str, Any]:
    held = sum(coin.amount for coin in spent)
    made = sum(payment.amount for payment in payments)
    return {
        "hash": txid,
        "size": _OTHER_BYTES + len(spent) * _INPUT_BYTES + len(payments) * _OUTPUT_BYTES,
        "inputs": [
            {
                "index": index,
                "spent_transaction_hash": coin.txid,
                "spent_output_index": coin.place,
                "type": coin.script.kind,
                "addresses": list(coin.script.addresses),
                "value": coin.amount,
            }
            for index, coin in enumerate(spent)
        ],
        "outputs": [
            {
                "index": index,
                "script_hex": payment.script.hex,
                "type": payment.script.kind,
                "addresses": list(payment.script.addresses),
                "value": payment.amount,
            }
            for index, payment in enumerate(payments)
        ],
        "input_count": len(spent),
        "output_count": len(payments),
        "input_value": held,
        "output_value": made,
        "fee": held - made if spent else 0,
    }
