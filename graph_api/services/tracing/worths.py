"""What tokens of one swap cost at its time, so that each can be given its share of it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from graph_api.analysis.tracing.matching import Moved
from graph_api.domain.ids import TokenId
from graph_api.store import prices, tokens
from graph_api.store.graph import Graph
from graph_api.store.prices import Moment

#: How old a price may be.
_FRESH: Final = timedelta(days=1)


async def worths(
    graph: Graph, moved: Iterable[Moved], *, at: datetime | None
) -> tuple[dict[str, Fraction], list[str]]:
    """US dollars by token of what was moved, and the tokens whose price nobody knows."""
    amounts: dict[TokenId, int] = defaultdict(int)
    for one in moved:
        amounts[TokenId(one.token)] += one.amount_raw
    if at is None:
        return {}, sorted(amounts)
    rows = await tokens.by_ids(graph, list(amounts))
    assets = await prices.of_tokens(graph, list(amounts))
    moments = {token: Moment(asset=asset.id, at=at) for token, asset in assets.items()}
    known = await prices.at(graph, list(moments.values())) if moments else {}
    found: dict[str, Fraction] = {}
    for token, moment in moments.items():
        price, row = known.get(moment), rows.get(token)
        if price is None or row is None or row.decimals is None or at - price.at > _FRESH:
            continue
        found[token] = Fraction(amounts[token], 10**row.decimals) * Fraction(price.usd)
    return found, sorted(amounts.keys() - {token for token, worth in found.items() if worth})
