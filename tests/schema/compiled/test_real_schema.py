"""The whole schema on a real graph: every field is compiled, and answers as it does uncompiled."""

import os
import random
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from graphql import parse, validate
from structlog.testing import capture_logs

from graph_api.domain.ids import ChainId
from graph_api.domain.records import ActorType, Block
from graph_api.schema.context import Context
from graph_api.schema.guarded import ExecutorName, GuardedSchema
from graph_api.schema.limits import DocumentLimits
from graph_api.schema.node import global_id
from graph_api.schema.schema import build_schema
from graph_api.services.notices import Outlets
from graph_api.store.graph import Graph
from graph_api.vault.vault import Vault
from tests import given
from tests.given import BITCOIN, ETHER, ETHEREUM, NOON, NOW, Ledger, wallet
from tests.schema.asking import counted
from tests.schema.compiled.comparing import differences, every_error
from tests.schema.compiled.documents import Asked, Writer
from tests.store.test_desks import actor
from tests.store.test_labels import said

LONG: Final = os.environ.get("DESKGRAPH_LONG") == "1"
QUERIES: Final = 1_000 if LONG else 40
#: Their answers say how long something took, or need an installation; the wallet of a status meets
#: the wallets beside it in loaders now and then, and its statements cannot be counted against them.
UNSTABLE: Final = frozenset({"health", "version", "config", "walletStatus"})
#: Most combinations of them are refused.
RARE: Final = frozenset({"last", "before", "after", "filter"})

NAMES: Final = ("alice", "bob", "desk", "hub", "nobody")
USD: Final = given.erc20("USD")
TRANSFER: Final = given.transfer("alice", "hub", tx="0", token=USD)
IDS: Final = (
    *(global_id("Wallet", wallet(name)) for name in NAMES),
    global_id("Token", USD),
    global_id("Chain", ETHEREUM.id),
    global_id("Actor", "genesis"),
    global_id("Transaction", given.transaction_id_of("0")),
    global_id("Transfer", TRANSFER.id),
)
TEXTS: Final = (
    *("alice", "USD", "genesis", "Genesis Trading", "tests", "tok", ""),
    *(given.address("alice"), TRANSFER.id, "0xa9059cbb"),
)
VALUES: Final[dict[str, Callable[[random.Random], Any]]] = {
    "ID": lambda chance: chance.choice((*IDS, *IDS, "x")),
    "AccountId": lambda chance: wallet(chance.choice(NAMES)),
    "ChainId": lambda chance: chance.choice(("ethereum", "eip155:1", BITCOIN.id, "polygon")),
    "TokenId": lambda chance: chance.choice((ETHER, USD, given.erc20("EUR"))),
    "TransactionHash": lambda chance: given.hash_of(chance.choice("0123")),
    "DateTime": lambda chance: chance.choice(("2023-11-14T00:00:00Z", "2025-01-01T00:00:00+02:00")),
    "BigInt": lambda chance: chance.choice(("0", 5, str(10**18))),
    "Decimal": lambda chance: chance.choice(("0.5", 1, "100")),
    "Float": lambda chance: chance.choice((0.1, 0.5, 1)),
    "Int": lambda chance: chance.choice((1, 2, 3, 5, 5, 0)),
    "String": lambda chance: chance.choice(TEXTS),
}

# The standard executor leaves what it cancels unawaited now and then.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Masked errors are not worth a line each."""
    with capture_logs():
        yield


@pytest.fixture
async def town(ledger: Ledger) -> Graph:
    """A little of everything."""
    await ledger.write(
        Block(chain=ChainId(ETHEREUM.id), number=100, hash="0x1", time=NOON),
        given.token("USD", decimals=6),
        actor("genesis", name="Genesis Trading", registered=True, confidence=1.0),
        actor("binance", ActorType.EXCHANGE, name="Binance"),
        said("hub", "Binance 14", actor="binance", confidence=0.5),
        said("desk", "Genesis OTC", actor="genesis", confidence=0.9),
        said("desk", "A desk", confidence=0.3),
        TRANSFER,
        *(
            given.transfer(NAMES[n % 4], NAMES[(n * 3 + 1) % 4], tx=str(n), log=n, token=token)
            for n, token in enumerate((USD, ETHER, None, given.erc20("EUR")) * 4, start=1)
        ),
        *(given.transaction("alice", name, tx=f"t{name}") for name in NAMES[1:4]),
    )
    return ledger.graph


def schema_with(executor: ExecutorName) -> GuardedSchema:
    limits = DocumentLimits(max_root_fields=100, max_aliases=1_000, max_repeats=10_000)
    return build_schema(executor=executor, limits=limits)


def document(schema: GuardedSchema, chance: random.Random) -> Asked:
    """A document that is valid, and asks for more of the graph than of the types' names."""
    assert schema._schema.query_type is not None
    roots = frozenset(schema._schema.query_type.fields) - UNSTABLE
    while True:
        depth = chance.choice((2, 3, 4))
        asked = Writer(
            schema._schema, chance, VALUES, depth=depth, width=5, roots=roots, rare=RARE
        ).write()
        if len(asked.text) < 4_000 and not validate(schema._schema, parse(asked.text)):
            return asked


async def test_generated_queries_are_answered_alike(town: Graph, vault: Vault) -> None:
    standard, compiled = (schema_with(executor) for executor in ExecutorName)
    compiled.compiled.together_after = 0
    answered = 0
    for number in range(QUERIES):
        asked = document(standard, random.Random(number))

        def context() -> Context:
            return Context(graph=town, clock=lambda: NOW, parts=(vault, Outlets()))

        with counted() as sent_by_standard:
            expected = await standard.execute(asked.text, asked.variables, context())
        with counted() as sent_by_compiled:
            found = await compiled.execute(asked.text, asked.variables, context())
        possible = await every_error(standard, asked, context()) if found.errors else []

        wrong = differences(expected, found, possible)
        assert not wrong, f"{number}: {asked.text}\n{asked.variables}\n" + "\n".join(wrong)
        if not found.errors:
            # One more: loaders of fields far apart may happen to meet in one statement.
            assert len(sent_by_compiled) <= len(sent_by_standard) + 1, asked.text
            answered += 1

    assert answered > QUERIES / 4
    assert {executor for executor, _ in compiled.compiled.counts} == {ExecutorName.COMPILED}


def test_no_field_keeps_an_operation_from_being_compiled() -> None:
    assert schema_with(ExecutorName.COMPILED).compiled.planner.refusals() == {}
