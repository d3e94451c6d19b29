"""What flows are worth: exact sums of the values of their transfers.

Transfers are priced after they were written, and not by the writer that keeps a chain's totals at
hand. So these sums are never among them: they are read, changed and written within one transaction
of whoever has the chain's lease.
"""

from collections.abc import Iterable, Mapping

from graph_api.domain.prices import dollars, micros
from graph_api.store.graph import Writing
from graph_api.store.ledger.states import Moved, flow_id

#: Millionths of a dollar, and how many transfers have a price.
Value = tuple[int, int]


async def take_back(writing: Writing, gone: Iterable[Moved]) -> None:
    """Uncount what deleted transfers were worth."""
    changes: dict[str, Value] = {}
    for moved in gone:
        if moved.usd is not None and moved.sender is not None:
            key = flow_id(moved.sender, moved.recipient, moved.token)
            add(changes, key, -micros(moved.usd), -1)
    await change(writing, changes)


def add(changes: dict[str, Value], flow: str, worth: int, priced: int) -> None:
    """Note that ``flow`` is worth so much more, by so many more transfers."""
    before = changes.get(flow, (0, 0))
    changes[flow] = (before[0] + worth, before[1] + priced)


async def change(writing: Writing, changes: Mapping[str, Value]) -> None:
    """Add to what flows are worth; the lease of their chain must be held."""
    if not changes:
        return
    rows = await writing.run("prices/flow_values", ids=sorted(changes))
    known = {row["id"]: (int(row["micros"] or 0), int(row["priced"] or 0)) for row in rows}
    await put(
        writing,
        {
            flow: (worth + changes[flow][0], priced + changes[flow][1])
            for flow, (worth, priced) in known.items()
        },
    )


async def put(writing: Writing, values: Mapping[str, Value]) -> None:
    """Say what flows are worth; one without a priced transfer is worth nothing that is known."""
    rows = [
        {
            "id": flow,
            "usd": dollars(worth) if priced else None,
            "micros": str(worth) if priced else None,
            "priced": priced or None,
        }
        for flow, (worth, priced) in values.items()
    ]
    if rows:
        await writing.run("prices/set_flow_values", rows=rows)
