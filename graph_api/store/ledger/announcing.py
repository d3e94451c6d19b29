"""What the world is told of transfers and of acts of issuers: seen, taken back, final."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from graph_api.domain.events import LINE_OF, News, Topic
from graph_api.domain.records import FreezeKind
from graph_api.store import outbox
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger import freezes
from graph_api.store.ledger.places import Written
from graph_api.store.ledger.rollback import Dropped

#: Hashes of blocks by their numbers.
Hashes = Mapping[int, str | None]

_TOLD: Final = {
    FreezeKind.FROZEN: Topic.WALLET_FROZEN,
    FreezeKind.FREED: Topic.WALLET_FREED,
    FreezeKind.SEIZED: Topic.WALLET_SEIZED,
}


async def announce(
    writing: Writing, chain: str, written: Written, hashes: Hashes, *, now: datetime
) -> None:
    """Tell everything that is new, in the order of its chain."""
    rows = sorted(written.transfers, key=lambda row: str(row["order_key"]), reverse=True)
    await _tell(writing, chain, transfer_news(Topic.TRANSFER_SEEN, rows, hashes), now=now)
    acts = freezes.in_order(written.freezes)
    news = [News(topic=_topic(row), body=_act(row, hashes)) for row in acts]
    await _tell(writing, chain, news, now=now)


async def retract(
    writing: Writing, chain: str, dropped: Dropped, hashes: Hashes, *, now: datetime
) -> None:
    """Take back what a block had told, the newest first."""
    news = transfer_news(Topic.TRANSFER_RETRACTED, dropped.transfers, hashes)
    await _tell(writing, chain, news, now=now)
    acts = [
        News(topic=Topic.WALLET_RETRACTED, body=_act(row, hashes) | {"was": _topic(row).value})
        for row in dropped.freezes
    ]
    await _tell(writing, chain, acts, now=now)


async def finalize(
    writing: Writing, chain: str, rows: Sequence[Row], hashes: Hashes, *, now: datetime
) -> None:
    """Tell transfers that are final, in the order of their chain."""
    rows = sorted(rows, key=lambda row: str(row["order_key"]), reverse=True)
    await _tell(writing, chain, transfer_news(Topic.TRANSFER_FINALIZED, rows, hashes), now=now)


def transfer_news(topic: Topic, rows: Iterable[Row], hashes: Hashes) -> list[News]:
    """One event for each transfer."""
    return [News(topic=topic, body=_body(row, hashes)) for row in rows]


async def _tell(writing: Writing, chain: str, news: Sequence[News], *, now: datetime) -> None:
    if news:
        await outbox.append(writing, LINE_OF[news[0].topic], chain, news, now=now)


def _body(row: Row, hashes: Hashes) -> dict[str, Any]:
    return {
        "id": row["id"],
        "transaction": row["transaction"],
        "position": row["position"],
        "sender": row["sender"],
        "recipient": row["recipient"],
        "token": row["token"],
        "amount_raw": row["amount_raw"],
        "amount": row["amount"],
        "derived": bool(row["derived"]),
        "block_number": row["block_number"],
        "block_hash": hashes.get(row["block_number"]),
        "block_time": row["block_time"],
    }


def _topic(row: Row) -> Topic:
    return _TOLD[FreezeKind(row["kind"])]


def _act(row: Row, hashes: Hashes) -> dict[str, Any]:
    return {
        "id": row["id"],
        "wallet": row["wallet"],
        "token": row["token"],
        "issuer": row["issuer"],
        "amount_raw": row["amount_raw"],
        "transaction": row["transaction"],
        "position": row["position"],
        "block_number": row["block_number"],
        "block_hash": hashes.get(row["block_number"]),
        "block_time": row["block_time"],
    }
