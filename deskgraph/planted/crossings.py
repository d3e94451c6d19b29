"""How many of a planted world's swaps and bridge transfers are found, and how many are right."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final

from deskgraph.planted.figures import Figure
from deskgraph.planted.world import World
from graph_api.analysis.tracing.matching import Match, Moved, bridged, bridged_back, issuers, swaps
from graph_api.domain.addresses import ZERO_EVM
from graph_api.domain.categories import Category
from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId, TransferId, account_id, address_of, chain_id_of
from graph_api.domain.records import Swap, Token, Transfer

_SYMBOL: Final = "USDX"


def crossings(world: World) -> tuple[Figure, ...]:
    """Swaps, and bridge transfers forwards and backwards; in pairs of transactions or transfers."""
    transfers = [one for one in world.records if isinstance(one, Transfer)]
    return (_swaps(world, transfers), *_bridges(world, transfers))


def _swaps(world: World, transfers: list[Transfer]) -> Figure:
    pools = defaultdict(set)
    for one in world.records:
        if isinstance(one, Swap):
            pools[one.transaction].add(str(one.pool))
    by_transaction = defaultdict(list)
    for move in transfers:
        if move.transaction and move.token:
            by_transaction[move.transaction].append(move)
    found = set()
    for transaction, moves in by_transaction.items():
        contracts = {
            str(move.token): str(account_id(chain_of(move.chain), address_of(move.token)))
            for move in moves
            if move.token and "/erc20:" in move.token
        }
        movements = [_moved(move) for move in moves]
        names = pools[transaction] | issuers(movements, contracts)
        if names and swaps(movements, names):
            found.add(transaction)
    planted = world.truth.swaps
    right = len(found & planted)
    return Figure(name="swap", joined=len(found), right=right, planted=len(planted), found=right)


def _bridges(world: World, transfers: list[Transfer]) -> Iterable[Figure]:
    bridges = {
        str(account)
        for label in world.labels()
        if label.category == Category.BRIDGE
        for account in label.accounts
    }
    dollars = {one.id for one in world.records if isinstance(one, Token) and one.symbol == _SYMBOL}
    moved = [_moved(one) for one in transfers if one.token in dollars and one.sender]
    received, paid_in = defaultdict(list), defaultdict(list)
    for one in moved:
        received[_key(one.recipient)].append(one)
        if one.recipient in bridges:
            paid_in[_key(one.sender)].append(one)
    forwards = [
        bridged(
            one,
            _elsewhere(one.sender, received[_key(one.sender)], side="recipient"),
            bridges=bridges,
        )
        for some in paid_in.values()
        for one in some
    ]
    backwards = [
        bridged_back(
            one,
            _elsewhere(one.recipient, paid_in[_key(one.recipient)], side="sender"),
            bridges=bridges,
        )
        for one in moved
        if _key(one.recipient) in paid_in
    ]
    known = {match for match in map(_pair, forwards) if match is not None}
    # As traces do: a receipt leads back to a deposit that leads to it.
    back = {match for match in map(_pair, backwards) if match in known}
    for name, found in (("bridge, forwards", known), ("bridge, backwards", back)):
        right = len(found & world.truth.bridges)
        yield Figure(
            name=name,
            joined=len(found),
            right=right,
            planted=len(world.truth.bridges),
            found=right,
        )


def _pair(match: Match | None) -> tuple[TransferId, TransferId] | None:
    return None if match is None else (TransferId(match.paid[0]), TransferId(match.got[0]))


def _elsewhere(wallet: str | None, some: Iterable[Moved], *, side: str) -> list[Moved]:
    """Those whose end ``side`` is on another chain than ``wallet``."""
    here = chain_id_of(AccountId(wallet or ""))
    return [one for one in some if chain_id_of(AccountId(getattr(one, side))) != here]


def _key(wallet: str | None) -> str:
    return address_of(AccountId(wallet or ""))


def _moved(one: Transfer) -> Moved:
    is_burnt = address_of(one.recipient) == ZERO_EVM
    raw = one.amount_raw or 0
    return Moved(
        id=one.id,
        sender=one.sender,
        recipient=None if is_burnt else one.recipient,
        token=str(one.token),
        amount_raw=raw,
        at=None
        if one.block_time is None
        else datetime.fromtimestamp(one.block_time / 1000, tz=UTC),
        units=Fraction(raw, 10**18),
    )
