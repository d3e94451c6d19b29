"""What a trace on account chains knows so far: movements, fees, and which wallets it has read."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from graph_api.analysis.tracing.order import FEE, Order, place_of
from graph_api.analysis.tracing.pieces import Fate
from graph_api.domain.addresses import ZERO_EVM
from graph_api.domain.categories import Category
from graph_api.domain.chains import chain_of
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    TokenId,
    TransactionId,
    TransferId,
    address_of,
    chain_id_of,
    native_token,
)
from graph_api.services.as_of import AsOf
from graph_api.services.tracing.answers import TraceParty
from graph_api.services.tracing.parties import parties
from graph_api.services.tracing.questions import TraceQuestion
from graph_api.store import chains, tokens, traces, walks
from graph_api.store.graph import Graph
from graph_api.store.traces import FeePaid, Histories, IsLate, Movement
from graph_api.store.walks import WalkWallet

_CHECKED_AT_ONCE: Final = 1_000


class Place(NamedTuple):
    """One wallet's holding of one token."""

    wallet: AccountId
    token: TokenId


class Event(NamedTuple):
    """A movement, or a fee where there is no recipient."""

    order: Order
    chain: ChainId
    id: str
    transaction: str
    sender: Place | None
    recipient: Place | None
    amount_raw: int
    row: Movement | FeePaid


class Ledger:
    """Everything that was read for one trace; ``is_late`` tells when reading has to end."""

    def __init__(
        self,
        graph: Graph,
        asked: TraceQuestion,
        *,
        now: datetime,
        is_late: IsLate = lambda: False,
    ) -> None:
        self.graph, self.asked, self.is_late = graph, asked, is_late
        self.moment = min(asked.as_of or now, now)
        self.rows: dict[TransferId, Movement] = {}
        self.fees: dict[str, FeePaid] = {}
        self.barred: dict[Place, Fate] = {}
        self.parties: dict[AccountId, TraceParty] = {}
        self.read = 0
        self._asked_for: set[AccountId] = set()
        self.whole: set[TokenId] = set()
        self._loaded: set[Place] = set()
        self._checked: dict[AccountId, Fate | None] = {}
        self._degrees: dict[AccountId, int] = {}
        self._indexes: dict[TransactionId, int | None] = {}
        self._last: dict[ChainId, int | None] = {}

    def knows(self, place: Place) -> bool:
        """Whether all that a place moved is known, or it is not gone on from."""
        if place in self._loaded or place in self.barred:
            return True
        return place.token in self.whole and place.wallet in self._checked

    def fate(self, wallet: AccountId) -> Fate | None:
        """Why a wallet that was checked is not gone on from."""
        return self._checked[wallet]

    def unread(self, places: Iterable[Place]) -> list[Place]:
        """Those of places that are not known."""
        return [place for place in places if not self.knows(place)]

    @property
    def as_of(self) -> tuple[AsOf, ...]:
        """Up to where each chain was known."""
        return tuple(
            AsOf(chain=chain, block=block, at=self.moment)
            for chain, block in sorted(self._last.items())
        )

    async def load(self, places: Iterable[Place], *, budget: int) -> None:
        """Read all that places moved, as far as ``budget`` movements go; stop at services and hubs.

        Those for whom it does not suffice are barred as OPEN.
        """
        await self.check({place.wallet for place in places})
        for place in places:
            fate = self._checked[place.wallet]
            if fate is not None:
                self.barred[place] = fate
        wanted = self.unread(places)
        for chain in {chain_id_of(place.wallet) for place in wanted}:
            await self._load_on(
                chain, [p for p in wanted if chain_id_of(p.wallet) == chain], budget
            )

    async def add(self, rows: Iterable[Movement]) -> None:
        """Take movements that were found otherwise."""
        new = [row for row in rows if row.id is not None]
        for row in new:
            await self.last_block(row.chain)
        self.rows |= {row.id: row for row in new if row.id is not None}
        wanted = {row.transaction for row in new if row.transaction} - self._indexes.keys()
        self._indexes |= dict.fromkeys(wanted) | await traces.places(self.graph, wanted)

    async def parties_of(self, wallets: Iterable[AccountId]) -> dict[AccountId, TraceParty]:
        """Who is known to stand behind wallets."""
        wanted = set(wallets)
        new = wanted - self._asked_for
        self._asked_for |= new
        self.parties |= await parties(self.graph, new, at=self.moment)
        return {wallet: self.parties[wallet] for wallet in wanted if wallet in self.parties}

    def bar(self, places: Iterable[Place], fate: Fate) -> None:
        """Do not go on from places."""
        self.barred |= dict.fromkeys(places, fate)

    def events(self) -> list[Event]:
        """All that is known and counts, without an order between chains."""
        found = [event for row in self.rows.values() if (event := self._event(row)) is not None]
        found += [event for fee in self.fees.values() if (event := self._fee(fee)) is not None]
        return found

    def uncounted(self, wallets: set[AccountId]) -> int:
        """Movements of wallets of which the amount, the token or the time is not known."""
        missing = sum(
            row.amount_raw is None or row.token is None or not _has_place(row)
            for row in self.rows.values()
            if row.sender in wallets or row.recipient in wallets
        )
        return missing + sum(
            fee.amount_raw is None for fee in self.fees.values() if fee.owner in wallets
        )

    def _event(self, row: Movement) -> Event | None:
        if row.token is None or row.amount_raw is None or not self._is_in_time(row, row.chain):
            return None
        assert row.id is not None
        order = place_of(
            id=row.id,
            position=row.position,
            block_number=row.block_number,
            block_time=row.block_time,
            index=self._indexes.get(row.transaction) if row.transaction else None,
        )
        return Event(
            order=order,
            chain=row.chain,
            id=row.id,
            transaction=row.transaction or row.id,
            sender=None if row.sender is None else Place(row.sender, row.token),
            recipient=Place(row.recipient, row.token),
            amount_raw=int(row.amount_raw),
            row=row,
        )

    def _fee(self, fee: FeePaid) -> Event | None:
        raw = fee.amount_raw
        if not raw or fee.id is None or not self._is_in_time(fee, chain_id_of(fee.owner)):
            return None
        order = place_of(
            id=fee.id,
            position=FEE,
            block_number=fee.block_number,
            block_time=fee.block_time,
            index=fee.index,
        )
        chain = chain_id_of(fee.owner)
        return Event(
            order=order,
            chain=chain,
            id=f"{fee.id}:{FEE}",
            transaction=fee.id,
            sender=Place(fee.owner, native_token(chain_of(chain))),
            recipient=None,
            amount_raw=raw,
            row=fee,
        )

    def _is_in_time(self, row: Movement | FeePaid, chain: ChainId) -> bool:
        if not _has_place(row):
            return False
        last = self._last.get(chain)
        if last is not None and row.block_number is not None and row.block_number > last:
            return False
        until = min(self.asked.until or self.moment, self.moment)
        return row.block_time is None or row.block_time <= until

    async def last_block(self, chain: ChainId) -> int | None:
        """The newest block that counts."""
        if chain not in self._last:
            last = (await chains.by_ids(self.graph, [chain]))[chain].last_block
            if self.asked.as_of_block is not None and chain == self.asked.chain.id:
                last = self.asked.as_of_block if last is None else min(last, self.asked.as_of_block)
            self._last[chain] = last
        return self._last[chain]

    async def check(self, wallets: set[AccountId]) -> None:
        """Learn which wallets are not to be gone on from, and why."""
        new = sorted(wallets - self._checked.keys())
        found: dict[AccountId, WalkWallet] = {}
        for start in range(0, len(new), _CHECKED_AT_ONCE):
            some = new[start : start + _CHECKED_AT_ONCE]
            found |= await walks.wallets(self.graph, some, at=self.moment)
        services = [wallet for wallet, row in found.items() if row.service]
        await self.parties_of(services)
        for wallet in new:
            row = found.get(wallet)
            degree = 0 if row is None else row.transfers_in + row.transfers_out
            self._degrees[wallet] = degree
            self._checked[wallet] = self._fate(wallet, degree, row is not None and row.service)

    def _fate(self, wallet: AccountId, degree: int, is_service: bool) -> Fate | None:
        if address_of(wallet) == ZERO_EVM:
            return Fate.BURNT
        if wallet == self.asked.wallet:
            return None
        if is_service:
            party = self.parties.get(wallet)
            if party is not None and party.category == Category.BURN:
                return Fate.BURNT
            if not self.asked.through_services:
                return Fate.SERVICE
        return Fate.HUB if degree > self.asked.hub else None

    async def _load_on(self, chain: ChainId, places: list[Place], budget: int) -> None:
        last = await self.last_block(chain)
        left = budget - self.read
        coin = native_token(chain_of(chain))
        by_token: dict[TokenId, list[Place]] = {}
        for place in places:
            by_token.setdefault(place.token, []).append(place)
        for token, some in by_token.items():
            degrees = sum(self._degrees[place.wallet] for place in some)
            if token == coin or token in self.whole or degrees == 0:
                continue
            moved = (await tokens.by_ids(self.graph, [token])).get(token)
            if moved is not None and moved.transfers <= min(degrees, left):
                found = await traces.of_token(
                    self.graph, token, up_to=last, budget=left, is_late=self.is_late
                )
                await self._take(found)
                if not found.unread:
                    self.whole.add(token)
        wanted = self.unread(places)
        found = await traces.histories(
            self.graph,
            {place.wallet for place in wanted},
            up_to=last,
            budget=budget - self.read,
            with_fees=any(place.token == coin for place in wanted),
            is_late=self.is_late,
        )
        kept = {place.token for place in wanted}
        await self._take(found, tokens=kept)
        for place in wanted:
            if place.wallet in found.unread:
                self.barred[place] = Fate.OPEN
            else:
                self._loaded.add(place)

    async def _take(self, found: Histories, tokens: set[TokenId] | None = None) -> None:
        self.read += found.read
        await self.add(row for row in found.movements if tokens is None or row.token in tokens)
        self.fees |= {fee.id: fee for fee in found.fees if fee.id is not None}


def _has_place(row: Movement | FeePaid) -> bool:
    return row.block_number is not None or row.block_time is not None
