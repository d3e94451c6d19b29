"""What transfers are worth at their time, and the flows that they count in.

A transfer is priced, not changed: nobody is told of it again. Whoever prices has the lease of the
chain meanwhile, like everybody who writes there, and gives it back soon.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from graph_api.domain.amounts import raw_of
from graph_api.domain.prices import Course, Price, micros, value
from graph_api.store import prices
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger import values
from graph_api.store.ledger.states import flow_id
from graph_api.store.ledger.turn import Turn

#: So many transfers are priced in one transaction: the chain's writer waits meanwhile.
AT_ONCE: Final = 500


class Pricing(msgspec.Struct, frozen=True, kw_only=True):
    """How transfers of one token are priced."""

    decimals: int
    course: Course
    tolerance_ms: int

    def price(self, moment: int) -> Price | None:
        """The price that holds at ``moment``."""
        return self.course.at(moment, tolerance_ms=self.tolerance_ms)


class Priced(msgspec.Struct, kw_only=True):
    """How many transfers got a price or another one, and which of them have none."""

    priced: int = 0
    left: list[str] = msgspec.field(default_factory=list)


async def price(turn: Turn, chain: str, ids: Sequence[str], *, by: Mapping[str, Pricing]) -> Priced:
    """Price those of the transfers ``ids`` of ``chain`` that have no value; ``by`` token.

    Takes the chain's lease and gives it back after each ``AT_ONCE``. Raises: LeaseLost.
    """
    return await _each(turn, chain, ids, by=by, values_stay=True)


async def reprice(
    turn: Turn, chain: str, ids: Sequence[str], *, by: Mapping[str, Pricing]
) -> Priced:
    """Price the transfers ``ids`` anew; what has a value and no price any more keeps it.

    Takes the chain's lease and gives it back after each ``AT_ONCE``. Raises: LeaseLost.
    """
    return await _each(turn, chain, ids, by=by, values_stay=False)


async def _each(
    turn: Turn, chain: str, ids: Sequence[str], *, by: Mapping[str, Pricing], values_stay: bool
) -> Priced:
    done = Priced()
    for start in range(0, len(ids), AT_ONCE):
        some = list(ids[start : start + AT_ONCE])

        async def work(writing: Writing, some: list[str] = some) -> Priced:
            rows = await writing.run("prices/transfers", ids=some)
            if values_stay:
                rows = [row for row in rows if row["usd"] is None]
            return await _write(writing, rows, by)

        await turn.hold([chain])
        try:
            part = await turn.change([chain], work)
        finally:
            await turn.give_back()
        done.priced += part.priced
        done.left += part.left
    return done


async def _write(writing: Writing, rows: Sequence[Row], by: Mapping[str, Pricing]) -> Priced:
    done, changed, named = Priced(), list[Row](), list[Price]()
    worth: dict[str, values.Value] = {}
    for row in rows:
        found = _valued(row, by.get(row["token"]))
        if found is None:
            if row["usd"] is None:
                done.left.append(row["id"])
            continue
        new, price = found
        if all(new[name] == row[name] for name in ("usd", "source", "at")):
            continue
        changed.append(new)
        named.append(price)
        if row["sender"] is not None:
            before = 0 if row["usd"] is None else micros(row["usd"])
            flow = flow_id(row["sender"], row["recipient"], row["token"])
            values.add(worth, flow, micros(new["usd"]) - before, int(row["usd"] is None))
    if changed:
        await writing.run("prices/price_transfers", rows=changed)
        await prices.pin(writing, named)
    await values.change(writing, worth)
    done.priced = len(changed)
    return done


def _valued(row: Row, pricing: Pricing | None) -> tuple[Row, Price] | None:
    """What a transfer is worth, and by which price; None where anything of that is unknown."""
    if pricing is None or row["amount_raw"] is None or row["block_time"] is None:
        return None
    found = pricing.price(row["block_time"])
    if found is None:
        return None
    usd = value(raw_of(row["amount_raw"]), decimals=pricing.decimals, usd=found.usd)
    return {"id": row["id"], "usd": usd, "source": found.source, "at": found.at}, found
