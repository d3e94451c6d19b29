"""Finds what bridges paid for traced deposits, and which deposits they paid traced receipts for."""

from collections.abc import Iterable
from datetime import timedelta
from fractions import Fraction
from typing import Final

from graph_api.analysis.tracing.matching import BRIDGE_TAKES, Match, Moved, bridged, bridged_back
from graph_api.domain.categories import Category
from graph_api.domain.chains import EVM_CHAINS, Family, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, TokenId, TransferId, address_of, chain_id_of
from graph_api.domain.pages import Page
from graph_api.domain.records import ActorType
from graph_api.services.tracing.answers import TraceParty
from graph_api.services.tracing.ledger import Ledger
from graph_api.store import prices, tokens, traces, transfers, walks
from graph_api.store.blocks import Window
from graph_api.store.traces import Movement
from graph_api.store.transfers import Direction, TransferFilter, TransferRow

#: How many transfers of an address on other chains are looked at.
_CANDIDATES: Final = 200
#: The end of a window does not belong to it.
_AND: Final = timedelta(seconds=1)


class Bridges:
    """Bridge transfers of one trace."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._graph = ledger, ledger.graph
        self._seen: set[TransferId] = set()
        self._alike: dict[TokenId, dict[TokenId, int | None]] = {}

    async def payouts(self, moved: Iterable[Movement]) -> list[Match]:
        """What was got for those of the movements that reached a bridge."""
        deposits = self._new(row for row in moved if self._is_bridge(row.recipient))
        return [
            match for row in deposits if (match := await self._payout(row, row.sender)) is not None
        ]

    async def deposits(self, moved: Iterable[Movement]) -> list[Match]:
        """What had reached a bridge for those of the movements by which it was paid out."""
        found: list[Match] = []
        new = self._new(moved)
        elsewhere = {row.recipient: _elsewhere(row.recipient) for row in new}
        ids = sorted({account for accounts in elsewhere.values() for account in accounts})
        known = await walks.wallets(self._graph, ids, at=self._ledger.moment)
        for row in new:
            accounts = [account for account in elsewhere[row.recipient] if account in known]
            if accounts and not self._ledger.is_late():
                match = await self._deposit(row, accounts)
                found += [] if match is None else [match]
        return found

    def _new(self, moved: Iterable[Movement]) -> list[Movement]:
        new = [row for row in moved if row.id is not None and row.id not in self._seen]
        self._seen.update(row.id for row in new if row.id is not None)
        return new

    async def _payout(self, row: Movement, payer: AccountId | None) -> Match | None:
        """What the payer of a deposit got for it on another chain."""
        if payer is None or row.token is None or row.block_time is None:
            return None
        alike = await self._same_asset(row.token)
        paid = moved_of(row, decimals=alike.get(row.token))
        if paid is None:
            return None
        window = Window(since=row.block_time, until=row.block_time + BRIDGE_TAKES)
        receipts = await self._candidates(_elsewhere(payer), Direction.IN, window, alike)
        match = bridged(paid, receipts, bridges=await self._bridges(one.sender for one in receipts))
        if match is not None:
            await self._add(match.got)
        return match

    async def _deposit(self, row: Movement, accounts: list[AccountId]) -> Match | None:
        """What the recipient had paid into a bridge on another chain before."""
        if row.token is None or row.block_time is None:
            return None
        alike = await self._same_asset(row.token)
        got = moved_of(row, decimals=alike.get(row.token))
        if got is None or len(alike) == 1:
            return None
        window = Window(since=row.block_time - BRIDGE_TAKES, until=row.block_time + _AND)
        sent = await self._candidates(accounts, Direction.OUT, window, alike)
        into = await self._bridges(one.recipient for one in sent)
        match = bridged_back(
            got,
            [one for one in sent if one.recipient in into],
            bridges=await self._bridges([row.sender]),
        )
        if match is None:
            return None
        # Another receipt may be what was got for it.
        (deposit,) = await traces.by_ids(self._graph, map(TransferId, match.paid))
        payout = await self._payout(deposit, deposit.sender)
        if payout is None or payout.got != match.got:
            return None
        await self._add(match.paid)
        return min(match, payout, key=lambda one: one.confidence)

    async def _same_asset(self, token: TokenId) -> dict[TokenId, int | None]:
        """All tokens that stand for the same asset, and their decimals."""
        if token not in self._alike:
            asset = (await prices.of_tokens(self._graph, [token])).get(token)
            ids = [] if asset is None else [asset.id]
            alike = await prices.tokens_of(self._graph, ids) if ids else {}
            rows = await tokens.by_ids(
                self._graph, [one for some in alike.values() for one in some]
            )
            self._alike[token] = {one: row.decimals for one, row in rows.items()}
        return self._alike[token]

    async def _candidates(
        self,
        accounts: list[AccountId],
        direction: Direction,
        window: Window,
        alike: dict[TokenId, int | None],
    ) -> list[Moved]:
        asked = TransferFilter(direction=direction, window=window)
        try:
            found = await transfers.of_wallets(
                self._graph, accounts, filter=asked, page=Page(size=_CANDIDATES)
            )
        except BadInput:
            # Nobody knows a time of anything there.
            return []
        return [
            one
            for slice_ in found.values()
            for row in slice_.rows
            if row.token in alike and (one := moved_of(row, decimals=alike[row.token])) is not None
        ]

    async def _bridges(self, wallets: Iterable[str | None]) -> set[str]:
        known = await self._ledger.parties_of(AccountId(one) for one in wallets if one is not None)
        return {wallet for wallet, party in known.items() if is_bridge(party)}

    def _is_bridge(self, wallet: AccountId) -> bool:
        party = self._ledger.parties.get(wallet)
        return party is not None and is_bridge(party)

    async def _add(self, ids: Iterable[str]) -> None:
        await self._ledger.add(await traces.by_ids(self._graph, map(TransferId, ids)))


def is_bridge(party: TraceParty) -> bool:
    """Whether somebody is known to carry value to other chains."""
    return party.category == Category.BRIDGE or party.actor_type == ActorType.BRIDGE


def moved_of(row: Movement | TransferRow, *, decimals: int | None = None) -> Moved | None:
    """What matching needs of a row; None where its amount or token is not known."""
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


def _elsewhere(wallet: AccountId) -> list[AccountId]:
    """The same address on the other chains where the same key opens it."""
    chain = chain_id_of(wallet)
    if chain_of(chain).family is not Family.EVM:
        return []
    return [AccountId(f"{one.id}:{address_of(wallet)}") for one in EVM_CHAINS if one.id != chain]
