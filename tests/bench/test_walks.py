"""The bench of walks, tiny: all ways are asked of the same wallets, and agree on paths."""

import random

from bench import walks
from tests.given import Ledger, transfer


async def test_every_question_is_asked_every_way(ledger: Ledger) -> None:
    chance = random.Random(3)
    names = [f"w{number}" for number in range(20)]
    await ledger.write(
        *(
            transfer(*chance.sample(names, 2), tx=f"{number}", block=None, at=None)
            for number in range(60)
        )
    )

    figures = await walks.measure(ledger.graph, "any", count=30, hubs=3, seed=1)

    asked = {(one.question, one.asked) for one in figures}
    assert asked == {
        ("2 hops around anybody", 30),
        ("2 hops around hubs", 3),
        ("a path between anybody", 30),
        ("a path that there is", 30),
    }
    assert len(figures) == 10
    assert not any(one.given_up for one in figures)
    assert all(0 < one.p50_ms <= one.p95_ms <= one.most_ms for one in figures)
    ours, plain = (one.found for one in figures if one.question == "a path that there is")
    assert ours == plain > 1
