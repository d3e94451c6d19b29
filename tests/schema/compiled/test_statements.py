"""Plans that are run again join their statements where the engine gains by that."""

from typing import Any, Final

import pytest

from graph_api.schema.context import Context
from graph_api.schema.guarded import ExecutorName, GuardedSchema
from graph_api.schema.schema import build_schema
from graph_api.store.graph import Engine, Graph
from tests import given
from tests.given import NOW, Ledger, wallet
from tests.schema.asking import counted

USD: Final = given.erc20("USD")
NEWEST: Final = """query ($who: AccountId!) {
  wallet(by: {accountId: $who}) {
    accountId
    transfers(first: 3) {
      nodes { transferId sender { address } to: recipient { kind } token { symbol } }
    }
  }
}"""
SEVERAL: Final = """{
  one: wallet(by: {accountId: "%s"}) { kind }
  other: token(by: {tokenId: "%s"}) { symbol }
  transfers(chain: "ethereum", first: 2) { nodes { token { symbol decimals } } }
}"""


@pytest.fixture
async def town(ledger: Ledger) -> Graph:
    await ledger.write(
        given.token("USD", decimals=6),
        *(given.transfer("alice", "bob", tx=str(n), log=n, token=USD) for n in range(4)),
        given.transfer("bob", "carol", tx="9", log=9, token=given.erc20("GONE")),
    )
    return ledger.graph


async def asked(
    schema: GuardedSchema, graph: Graph, query: str, variables: dict[str, Any] | None = None
) -> tuple[Any, int]:
    """The answer, and how many statements it took."""
    with counted() as sent:
        found = await schema.execute(query, variables, Context(graph=graph, clock=lambda: NOW))
    return (found.data, found.errors), len(sent)


@pytest.mark.parametrize(
    ("query", "variables", "apart"),
    [
        (NEWEST, {"who": wallet("alice")}, 4),
        (NEWEST, {"who": wallet("bob")}, 4),
        (NEWEST, {"who": wallet("nobody")}, 1),
        (SEVERAL % (wallet("alice"), USD), None, 4),
    ],
)
async def test_the_third_time_is_one_statement(
    town: Graph, query: str, variables: dict[str, Any] | None, apart: int
) -> None:
    standard = build_schema(executor=ExecutorName.STANDARD)
    compiled = build_schema(executor=ExecutorName.COMPILED)
    expected, _ = await asked(standard, town, query, variables)
    counts = []
    for _ in range(4):
        found, count = await asked(compiled, town, query, variables)
        assert found == expected
        counts.append(count)
    joined = 1 if town.engine is Engine.NEO4J else apart
    assert found[1] is None
    assert counts == [apart, apart, joined, joined]
