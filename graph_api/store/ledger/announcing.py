"""What the world is told of transfers: seen, taken back, final."""

from collections.abc import Iterable, Mapping
from typing import Any

from graph_api.domain.events import News, Topic
from graph_api.store.graph import Row


def transfer_news(
    topic: Topic, rows: Iterable[Row], hashes: Mapping[int, str | None]
) -> list[News]:
    """One event for each transfer; ``hashes`` are those of blocks by number."""
    return [News(topic=topic, body=_body(row, hashes)) for row in rows]


def _body(row: Row, hashes: Mapping[int, str | None]) -> dict[str, Any]:
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
