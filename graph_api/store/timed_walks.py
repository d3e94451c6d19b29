"""Questions about ways in time: along which flows they may lead, and the transfers of these.

Callers know how many flows or transfers a wallet has before they ask, and ask for no more than they
have budget for.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from graph_api.domain.ids import AccountId, TokenId, TransactionId, TransferId
from graph_api.domain.positions import page_key
from graph_api.store.graph import Graph
from graph_api.store.streams import Span
from graph_api.store.traces import Movement

_PAGE: Final = 2_000


class RoadRow(msgspec.Struct, frozen=True, gc=False):
    """A flow, between which moments it lies, and how many flows the wallet at its far end has."""

    id: str
    sender: AccountId
    recipient: AccountId
    token: TokenId | None
    amount_raw: str | None
    first_ms: int | None
    last_ms: int | None
    flows_in: int
    flows_out: int


class TimedTransfer(msgspec.Struct, frozen=True, gc=False):
    """A transfer, as far as paths need it."""

    id: TransferId
    transaction: TransactionId | None
    position: str
    sender: AccountId
    recipient: AccountId
    token: TokenId | None
    amount_raw: str | None
    block_number: int | None
    block_time: datetime | None


class RoadWish(msgspec.Struct, frozen=True, kw_only=True):
    """Which flows and transfers are wanted; None leaves a condition out.

    A flow is wanted where some transfer of it may lie between the moments (epoch milliseconds),
    and its sum reaches ``least`` base units, or is not known.
    """

    token: TokenId | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    least: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """What every statement takes of it."""
        return {"token": self.token, "since": self.since_ms, "until": self.until_ms}


async def roads(
    graph: Graph,
    wallets: Sequence[AccountId],
    wish: RoadWish,
    *,
    outgoing: bool,
    far: Collection[AccountId] | None = None,
) -> list[RoadRow]:
    """The flows that begin at wallets, or those that end there; only to ``far`` where given."""
    if not wallets or (far is not None and not far):
        return []
    wanted: dict[str, Any] = {"wallets": list(wallets), **wish.parameters}
    wanted["least"] = None if wish.least is None else str(wish.least)
    if far is None:
        return await graph.read(
            "paths/roads_out" if outgoing else "paths/roads_into", RoadRow, **wanted
        )
    # A map: the embedded engine looks through a list from its beginning, for each flow.
    wanted["far"] = dict.fromkeys(far, True)
    return await graph.read(
        "paths/roads_out_to" if outgoing else "paths/roads_into_from", RoadRow, **wanted
    )


async def transfers(
    graph: Graph,
    pairs: Mapping[AccountId, Iterable[AccountId]],
    wish: RoadWish,
    *,
    outgoing: bool,
) -> list[TimedTransfer]:
    """What each wallet sent to some others, or received from them."""
    if not pairs:
        return []
    return await graph.read(
        "paths/sent" if outgoing else "paths/received",
        TimedTransfer,
        pairs=[{"near": near, "far": sorted(far)} for near, far in pairs.items()],
        **wish.parameters,
    )


async def moved(
    graph: Graph, wallet: AccountId, spans: Sequence[Span], *, outgoing: bool, most: int
) -> list[TimedTransfer] | None:
    """All that a wallet sent or received within parts of its list; None if more than ``most``."""
    found: list[TimedTransfer] = []
    read = 0
    for span in spans:
        after, end = page_key(wallet, span.after), page_key(wallet, span.end)
        while read <= most:
            page = await graph.read_each(
                "traces/sent" if outgoing else "traces/received",
                Movement,
                [{"owner": wallet, "after": after, "end": end}],
                limit=_PAGE,
            )
            read += len(page)
            found += [_timed(row, row.id, row.sender) for row in page if row.id and row.sender]
            if len(page) < _PAGE:
                break
            after = max(row.key for row in page)
    return None if read > most else found


def _timed(row: Movement, id: TransferId, sender: AccountId) -> TimedTransfer:
    return TimedTransfer(
        id=id,
        transaction=row.transaction,
        position=row.position,
        sender=sender,
        recipient=row.recipient,
        token=row.token,
        amount_raw=row.amount_raw,
        block_number=row.block_number,
        block_time=row.block_time,
    )
