"""Seeded payments with a hub among them: as a file to load, and in memory to ask.

The same source of flows and transfers as the graph is for a search, made of sorted arrays.
"""

import csv
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId, TokenId, TransactionId, TransferId, token_id
from graph_api.services.timed_paths.sources import Pairs, Standing
from graph_api.store.blocks import Window
from graph_api.store.records import moment
from graph_api.store.timed_walks import RoadRow, RoadWish, TimedTransfer

Numbers = NDArray[np.int64]

ETHEREUM: Final = chain_of("ethereum")
#: The wallet that everybody deals with.
HUB: Final = 0
FIRST_BLOCK: Final = 20_000_000
_FIRST_TIME, _BLOCK_S, _IN_BLOCK = 1_717_280_000, 12, 150
_TOKENS: Final = ("USDC", "USDT", "DAI")
_SKEW: Final = 0.6
_DECIMALS: Final = 6


def account(number: int) -> AccountId:
    """The wallet of a number."""
    return AccountId(f"{ETHEREUM.id}:0x{number + 1:040x}")


def number_of(wallet: str) -> int:
    """The number of a wallet."""
    return int(wallet.rpartition(":")[2], 16) - 1


def token(number: int) -> TokenId:
    """The token of a number."""
    return token_id(ETHEREUM, _contract(number))


def transfer(number: int) -> TransferId:
    """The transfer of a number."""
    return TransferId(f"{_transaction(number)}:log:{number % _IN_BLOCK}")


class World:
    """Payments between wallets, few of which make most, in the order in which they happened."""

    def __init__(self, transfers: int, *, wallets: int, hub: float, seed: int) -> None:
        chance = np.random.default_rng(seed)
        weights = (np.arange(wallets) + 1.0) ** -_SKEW
        weights /= weights.sum()
        self.wallets, self.count = wallets, transfers
        self.senders = chance.choice(wallets, transfers, p=weights).astype(np.int64)
        self.recipients = chance.choice(wallets, transfers, p=weights).astype(np.int64)
        side = chance.random(transfers)
        self.senders[side < hub / 2] = HUB
        self.recipients[(side >= hub / 2) & (side < hub)] = HUB
        same = self.senders == self.recipients
        self.recipients[same] = (self.recipients[same] + 1) % wallets
        self.tokens = chance.choice(len(_TOKENS), transfers, p=(0.5, 0.3, 0.2)).astype(np.int64)
        amounts = (chance.pareto(1.2, transfers) + 1) * 10**_DECIMALS
        self.amounts = np.minimum(amounts, 10.0**15).astype(np.int64)

    def busy(self) -> Numbers:
        """The wallets that pay and are paid, the hub left out."""
        both: Numbers = np.intersect1d(self.senders, self.recipients)
        others: Numbers = both[both != HUB]
        return others

    def walks(self, count: int, chance: random.Random) -> Iterator[tuple[int, int]]:
        """The two ends of walks of two to six payments in time that leave the hub out."""
        sent = _Lists(self.senders, self.wallets)
        busy = self.busy().tolist()
        while count:
            start = wallet = chance.choice(busy)
            now = -1
            for _ in range(chance.randint(2, 6)):
                later = [
                    row
                    for row in sent.of([wallet]).tolist()
                    if row > now and self.recipients[row] != HUB
                ]
                if not later:
                    break
                now = chance.choice(later)
                wallet = int(self.recipients[now])
            else:
                if wallet != start:
                    yield start, wallet
                    count -= 1

    def write(self, folder: Path) -> list[Path]:
        """The files of ethereum-etl that hold the same."""
        folder.mkdir(parents=True, exist_ok=True)
        tokens, moves = folder / "tokens.csv", folder / "token_transfers.csv"
        with tokens.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("address", "symbol", "name", "decimals", "total_supply"))
            for number, symbol in enumerate(_TOKENS):
                writer.writerow((_contract(number), symbol, symbol, _DECIMALS, 10**28))
        with moves.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(
                (
                    "token_address",
                    "from_address",
                    "to_address",
                    "value",
                    "transaction_hash",
                    "log_index",
                    "block_number",
                    "block_timestamp",
                )
            )
            writer.writerows(self._rows())
        return [tokens, moves]

    def _rows(self) -> Iterator[tuple[object, ...]]:
        columns = zip(
            self.tokens.tolist(),
            self.senders.tolist(),
            self.recipients.tolist(),
            self.amounts.tolist(),
            strict=True,
        )
        for number, (asset, sender, recipient, amount) in enumerate(columns):
            block = number // _IN_BLOCK
            yield (
                _contract(asset),
                account(sender).rpartition(":")[2],
                account(recipient).rpartition(":")[2],
                amount,
                _transaction(number).rpartition(":")[2],
                number % _IN_BLOCK,
                FIRST_BLOCK + block,
                _FIRST_TIME + block * _BLOCK_S,
            )


class MemorySource:
    """A world as a search asks it."""

    def __init__(self, world: World) -> None:
        self._world = world
        kinds = len(_TOKENS)
        keys = (world.senders * world.wallets + world.recipients) * kinds + world.tokens
        order = np.argsort(keys, kind="stable")
        keys, first = np.unique(keys[order], return_index=True)
        last = np.append(first[1:], world.count) - 1
        self._keys = keys
        self._sums = np.add.reduceat(world.amounts[order], first)
        self._first, self._last = _ms(order[first]), _ms(order[last])
        self._token = keys % kinds
        self._ends = (keys // kinds // world.wallets, keys // kinds % world.wallets)
        self._flows = tuple(_Lists(ends, world.wallets) for ends in self._ends)
        self._moved = tuple(
            _Lists(ends, world.wallets) for ends in (world.senders, world.recipients)
        )

    async def standings(self, wallets: Collection[AccountId]) -> dict[AccountId, Standing]:
        """All wallets are there, and none is a service."""
        (out, into), (sent, received) = self._flows, self._moved
        return {
            wallet: Standing(
                into.size(number), out.size(number), received.size(number), sent.size(number), False
            )
            for wallet in wallets
            for number in [number_of(wallet)]
        }

    async def roads(
        self,
        wallets: Mapping[AccountId, int],
        wish: RoadWish,
        *,
        outgoing: bool,
        far: Collection[AccountId] | None = None,
    ) -> list[RoadRow]:
        """The flows of wallets."""
        near, other = (0, 1) if outgoing else (1, 0)
        rows = self._flows[near].of(map(number_of, wallets))
        kept = np.ones(len(rows), dtype=bool)
        if far is not None:
            kept &= np.isin(self._ends[other][rows], list(map(number_of, far)))
        if wish.token is not None:
            kept &= self._token[rows] == _number_of_token(wish.token)
        if wish.since_ms is not None:
            kept &= self._last[rows] >= wish.since_ms
        if wish.until_ms is not None:
            kept &= self._first[rows] <= wish.until_ms
        if wish.least is not None:
            kept &= self._sums[rows] >= wish.least
        return [self._road(row, other) for row in rows[kept].tolist()]

    async def transfers(
        self, pairs: Pairs, sizes: Mapping[AccountId, int], wish: RoadWish, *, outgoing: bool
    ) -> list[TimedTransfer]:
        """What wallets sent or received."""
        del sizes
        world = self._world
        ends = world.recipients if outgoing else world.senders
        found: list[TimedTransfer] = []
        for near, far in pairs.items():
            rows = self._moved[0 if outgoing else 1].of([number_of(near)])
            kept = np.isin(ends[rows], list(map(number_of, far)))
            if wish.token is not None:
                kept &= world.tokens[rows] == _number_of_token(wish.token)
            found += map(self._transfer, rows[kept].tolist())
        return found

    async def moved(
        self, wallet: AccountId, window: Window, *, outgoing: bool, most: int
    ) -> list[TimedTransfer] | None:
        """What a wallet sent or received within a window."""
        rows = self._moved[0 if outgoing else 1].of([number_of(wallet)])
        moments = _ms(rows)
        kept = np.ones(len(rows), dtype=bool)
        if window.since is not None:
            kept &= moments >= window.since.timestamp() * 1_000
        if window.until is not None:
            kept &= moments <= window.until.timestamp() * 1_000
        if int(kept.sum()) > most:
            return None
        return [self._transfer(row) for row in rows[kept].tolist()]

    async def indexes(
        self, transactions: Collection[TransactionId]
    ) -> dict[TransactionId, int | None]:
        """Nobody tells: what a file of logs does not say."""
        return dict.fromkeys(transactions)

    def _road(self, row: int, other: int) -> RoadRow:
        far = int(self._ends[other][row])
        return RoadRow(
            id=str(self._keys[row]),
            sender=account(int(self._ends[0][row])),
            recipient=account(int(self._ends[1][row])),
            token=token(int(self._token[row])),
            amount_raw=str(self._sums[row]),
            first_ms=int(self._first[row]),
            last_ms=int(self._last[row]),
            flows_in=self._flows[1].size(far),
            flows_out=self._flows[0].size(far),
        )

    def _transfer(self, row: int) -> TimedTransfer:
        world, block = self._world, row // _IN_BLOCK
        return TimedTransfer(
            id=transfer(row),
            transaction=TransactionId(_transaction(row)),
            position=f"log:{row % _IN_BLOCK}",
            sender=account(int(world.senders[row])),
            recipient=account(int(world.recipients[row])),
            token=token(int(world.tokens[row])),
            amount_raw=str(world.amounts[row]),
            block_number=FIRST_BLOCK + block,
            block_time=moment((_FIRST_TIME + block * _BLOCK_S) * 1_000),
        )


class _Lists:
    """Rows by the wallet that they belong to."""

    def __init__(self, owners: Numbers, wallets: int) -> None:
        self._rows = np.argsort(owners, kind="stable")
        self._starts = np.searchsorted(owners[self._rows], np.arange(wallets + 1))

    def size(self, owner: int) -> int:
        """How many rows a wallet has."""
        return int(self._starts[owner + 1] - self._starts[owner])

    def of(self, owners: Any) -> Numbers:
        """The rows of wallets."""
        parts: Sequence[Numbers] = [
            self._rows[self._starts[owner] : self._starts[owner + 1]] for owner in owners
        ]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def last_moment(world: World) -> datetime:
    """When the last payment was made."""
    block = (world.count - 1) // _IN_BLOCK
    return datetime.fromtimestamp(_FIRST_TIME + block * _BLOCK_S, UTC)


def _ms(numbers: Numbers) -> Numbers:
    return (_FIRST_TIME + numbers // _IN_BLOCK * _BLOCK_S) * 1_000


def _contract(number: int) -> str:
    return f"0x{0xC0FFEE00 + number:040x}"


def _number_of_token(of: str) -> int:
    return int(of.rpartition(":")[2], 16) - 0xC0FFEE00


def _transaction(number: int) -> str:
    return f"{ETHEREUM.id}:0x{number + 1:064x}"
