"""The compiled executor answers generated queries like the standard one.

``DESKGRAPH_LONG=1`` asks 24,000 queries, otherwise a few hundred. A failure prints the number that
its query was made from, the query and what differs.
"""

import os
import random
from collections.abc import Iterator
from typing import Any, Final

import pytest
from graphql import specified_rules
from structlog.testing import capture_logs

from graph_api.schema.guarded import ExecutorName, GuardedSchema
from tests.schema.compiled.comparing import differences, every_error
from tests.schema.compiled.dense import ARGUMENT_VALUES, Shop, dense_context, dense_schema
from tests.schema.compiled.documents import Asked, Writer

LONG: Final = os.environ.get("DESKGRAPH_LONG") == "1"
BATCHES: Final = 240 if LONG else 3
PER_BATCH: Final = 100
RARE: Final = frozenset({"last", "before", "after"})  # most combinations are refused
RULES: Final = tuple(specified_rules)
FAULTS: Final = (0.0, 0.0, 0.001, 0.005, 0.02, 0.1)

# The standard executor leaves what it cancels unawaited now and then.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of masked errors are not worth a line each."""
    with capture_logs():
        yield


@pytest.fixture(scope="module")
def standard() -> GuardedSchema:
    return dense_schema(ExecutorName.STANDARD)


@pytest.fixture(scope="module")
def compiled(standard: GuardedSchema) -> GuardedSchema:
    schema = dense_schema(ExecutorName.COMPILED)
    schema.documents = standard.documents  # each text is read and validated once
    return schema


def document(schema: GuardedSchema, chance: random.Random) -> Asked:
    """A document that is valid."""
    while True:
        depth, width = chance.choice((2, 3, 3, 4)), chance.choice((3, 4, 5))
        asked = Writer(
            schema._schema, chance, ARGUMENT_VALUES, depth=depth, width=width, rare=RARE
        ).write()
        if len(asked.text) > 4_000:
            continue
        prepared = schema.documents.prepare(asked.text)
        if prepared.document and not schema.documents.faults(prepared, schema._schema, RULES):
            return asked


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_generated_queries_are_answered_alike(
    standard: GuardedSchema, compiled: GuardedSchema, batch: int
) -> None:
    calls = [0, 0]
    for number in range(batch * PER_BATCH, (batch + 1) * PER_BATCH):
        chance = random.Random(number)
        asked = document(standard, chance)
        shop: dict[str, Any] = {"faults": chance.choice(FAULTS), "delays": number % 2 == 0}
        shops = [Shop(number, **shop) for _ in range(3)]
        auditor = chance.random() < 0.5
        contexts = [dense_context(shop, auditor=auditor) for shop in shops]

        expected = await standard.execute(asked.text, asked.variables, contexts[0])
        found = await compiled.execute(asked.text, asked.variables, contexts[1])
        possible = await every_error(standard, asked, contexts[2])

        wrong = differences(expected, found, possible)
        assert not wrong, f"{number}: {asked.text}\n{asked.variables}\n" + "\n".join(wrong)
        calls = [calls[0] + shops[0].calls, calls[1] + shops[1].calls]

    assert calls[1] <= calls[0]
    refused = {key: n for key, n in compiled.compiled.counts.items() if key[0] != "compiled"}
    assert refused.keys() <= {("standard", "unforeseen")}
    assert sum(refused.values()) <= 0.02 * sum(compiled.compiled.counts.values())
