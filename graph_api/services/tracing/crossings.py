"""Finds where traced value went on as another token or on another chain, in what is loaded."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from graph_api.analysis.tracing.matching import BRIDGE_TAKES, Match, Moved, bridged, swaps
from graph_api.analysis.tracing.pieces import Fate
from graph_api.domain.categories import Category
from graph_api.domain.chains import EVM_CHAINS, Family, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import (
    AccountId,
    TokenId,
    TransactionId,
    TransferId,
    address_of,
    chain_id_of,
)
from graph_api.domain.pages import Page
from graph_api.domain.records import ActorType
from graph_api.services.tracing.answers import TraceParty
from graph_api.services.tracing.ledger import Ledger, Place
from graph_api.store import prices, tokens, traces, transfers
from graph_api.store import swaps as pools
from graph_api.store.blocks import Window
from graph_api.store.traces import Movement
from graph_api.store.transfers import Direction, TransferFilter, TransferRow

#: How many swaps of a transaction are looked at, and receipts of an address on other chains.
_SWAPS: Final = 200
_RECEIPTS: Final = 200


class Crossings:
    """The matches of one trace, and what was looked at to find them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._graph = ledger, ledger.graph
        self.matches: list[Match] = []
        self._seen: set[str] = set()

    async def look(self, moved: Iterable[Movement], *, into_bridges: Iterable[Movement]) -> bool:
        """Look at movements of traced value, and at those that reached a bridge.

        Returns: whether something was found that was not known before.
        """
        found = await self._swaps({row.transaction for row in moved if row.transaction})
        found += await self._bridged([row for row in into_bridges if row.id not in self._seen])
        self.matches += found
        return bool(found)

    async def _swaps(self, transactions: set[TransactionId]) -> list[Match]:
        new = sorted(transactions - self._seen)
        self._seen.update(new)
        made = await pools.of_transactions(self._graph, new, first=_SWAPS) if new else {}
        found: list[Match] = []
        rows = await traces.of_transactions(self._graph, made)
        for transaction, swapped in made.items():
            carried = [row for row in rows if row.owner == transaction]
            names = {swap.pool for swap in swapped}
            movements = [one for row in carried if (one := _moved(row)) is not None]
            matches = swaps(movements, names)
            await self._ledger.add(carried)
            # What reaches a pool by a swap that nobody can match is at a service all the same.
            self._ledger.bar(
                {
                    Place(row.recipient, row.token)
                    for row in carried
                    if row.recipient in names and row.token
                },
                Fate.SERVICE,
            )
            found += matches
        return found

    async def _bridged(self, deposits: list[Movement]) -> list[Match]:
        self._seen.update(row.id for row in deposits if row.id)
        found = []
        for row in deposits:
            match = await self._payout(row)
            if match is not None:
                found.append(match)
        return found

    async def _payout(self, row: Movement) -> Match | None:
        """What the sender of a deposit got for it on another chain."""
        if row.sender is None or row.token is None or row.block_time is None:
            return None
        if chain_of(chain_id_of(row.sender)).family is not Family.EVM:
            return None
        alike = await self._same_asset(row.token)
        paid = _moved(row, decimals=alike.get(row.token))
        if paid is None:
            return None
        others = [
            AccountId(f"{chain.id}:{address_of(row.sender)}")
            for chain in EVM_CHAINS
            if chain.id != row.chain
        ]
        receipts = await self._receipts(others, row)
        candidates = [
            one
            for receipt in receipts
            if receipt.token in alike
            and (one := _moved(receipt, decimals=alike[receipt.token])) is not None
        ]
        senders = {one.sender for one in receipts if one.sender}
        known = await self._ledger.parties_of(senders)
        match = bridged(paid, candidates, bridges={w for w, p in known.items() if is_bridge(p)})
        if match is not None:
            await self._ledger.add(await traces.by_ids(self._graph, map(TransferId, match.got)))
        return match

    async def _same_asset(self, token: TokenId) -> dict[TokenId, int | None]:
        """All tokens that stand for the same asset, and their decimals."""
        asset = (await prices.of_tokens(self._graph, [token])).get(token)
        if asset is None:
            return {}
        alike = (await prices.tokens_of(self._graph, [asset.id])).get(asset.id, [])
        rows = await tokens.by_ids(self._graph, alike)
        return {one: row.decimals for one, row in rows.items()}

    async def _receipts(self, accounts: list[AccountId], row: Movement) -> list[TransferRow]:
        assert row.block_time is not None
        window = Window(since=row.block_time, until=row.block_time + BRIDGE_TAKES)
        asked = TransferFilter(direction=Direction.IN, window=window)
        try:
            found = await transfers.of_wallets(
                self._graph, accounts, filter=asked, page=Page(size=_RECEIPTS)
            )
        except BadInput:
            # Nobody knows a time of anything there.
            return []
        return [one for slice_ in found.values() for one in slice_.rows]


def is_bridge(party: TraceParty) -> bool:
    """Whether somebody is known to carry value to other chains."""
    return party.category == Category.BRIDGE or party.actor_type == ActorType.BRIDGE


def _moved(row: Movement | TransferRow, *, decimals: int | None = None) -> Moved | None:
    if row.id is None or row.token is None or row.amount_raw is None:
        return None
    raw = int(row.amount_raw)
    return Moved(
        id=row.id,
        sender=row.sender,
        recipient=row.recipient,
        token=row.token,
        amount_raw=raw,
        at=row.block_time,
        units=None if decimals is None else Fraction(raw, 10**decimals),
    )
