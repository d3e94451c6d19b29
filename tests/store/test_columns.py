"""Questions read the columns that somebody looks at: the same rows, the others without a value."""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest

from cypher import narrowed
from graph_api.domain.ids import AccountId, ChainId
from graph_api.domain.pages import Page
from graph_api.store import tokens, transfers, wallets
from graph_api.store.graph import Graph
from graph_api.store.records import Columns
from graph_api.store.transfers import Direction, TransferFilter, TransferRow
from tests import given
from tests.given import ETHEREUM, Ledger, wallet

USD = given.erc20("USD")
ALICE = wallet("alice")
TRANSFER = given.transfer("alice", "bob", tx="1", log=1, token=USD)
LISTED = ("chain", "position", "recipient", "token", "block_number", "block_time", "derived")

Rows = list[msgspec.Struct]
Question = Callable[[Graph, Columns], Coroutine[Any, Any, Rows]]


@pytest.fixture
async def town(ledger: Ledger) -> Graph:
    more = (given.transfer("bob", "alice", tx=str(n), log=n, token=USD) for n in range(2, 5))
    await ledger.write(given.token("USD", decimals=6), TRANSFER, *more)
    return ledger.graph


def page(direction: Direction | None, **sizes: Any) -> Question:
    asked = Page(size=3, **sizes)

    async def of_wallet(graph: Graph, columns: Columns) -> Rows:
        filter = TransferFilter(direction=direction, token=USD) if direction else None
        found = await transfers.of_wallets(
            graph, [ALICE], filter=filter, page=asked, columns=columns
        )
        return [*found[ALICE].rows]

    return of_wallet


async def of_token(graph: Graph, columns: Columns) -> Rows:
    found = await transfers.of_tokens(graph, [USD], page=Page(size=3), columns=columns)
    return [*found[USD].rows]


async def of_chain(graph: Graph, columns: Columns) -> Rows:
    chain = ChainId(ETHEREUM.id)
    found = await transfers.of_chains(graph, [chain], page=Page(size=3), columns=columns)
    return [*found[chain].rows]


async def of_transaction(graph: Graph, columns: Columns) -> Rows:
    key = given.transaction_id_of("1")
    found = await transfers.of_transactions(graph, [key], page=Page(size=3), columns=columns)
    return [*found[key].rows]


async def by_id(graph: Graph, columns: Columns) -> Rows:
    return [*(await transfers.by_ids(graph, [TRANSFER.id], columns=columns)).values()]


async def wallets_by_id(graph: Graph, columns: Columns) -> Rows:
    ids = [AccountId(ALICE)]
    return [*(await wallets.by_ids(graph, ids, columns=columns)).values()]


async def tokens_by_id(graph: Graph, columns: Columns) -> Rows:
    return [*(await tokens.by_ids(graph, [USD], columns=columns)).values()]


QUESTIONS: dict[str, Question] = {
    "newest": page(None),
    "both ways": page(Direction.BOTH),
    "sent": page(Direction.OUT),
    "received": page(Direction.IN),
    "from the end": page(None, backward=True),
    "of a token": of_token,
    "of a chain": of_chain,
    "of a transaction": of_transaction,
    "transfers": by_id,
    "wallets": wallets_by_id,
    "tokens": tokens_by_id,
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
async def test_only_what_is_looked_at_is_read(town: Graph, question: Question) -> None:
    whole = await question(town, None)
    assert whole
    own: frozenset[str] = type(whole[0]).own  # type: ignore[attr-defined]
    for columns in (frozenset[str](), frozenset(LISTED[::2]), frozenset(LISTED)):
        expected = [
            msgspec.structs.replace(row, **dict.fromkeys(rest, None))
            for row in whole
            for rest in [set(row.__struct_fields__) - columns - own]
        ]
        assert await question(town, columns) == expected


async def test_what_the_store_needs_itself_is_read_in_any_case(town: Graph) -> None:
    (row,) = await by_id(town, frozenset({"usd"}))

    assert isinstance(row, TransferRow)
    assert row.id == TRANSFER.id
    assert row.recipient is None


def test_a_column_goes_wherever_it_is_returned_and_nowhere_else() -> None:
    text = (
        "MATCH (t:T {amount: $amount}) WHERE size(t.amount) > 1\n"
        "WITH t, t.amount AS amount_raw\n"
        "RETURN t.id AS id, t.amount AS amount,\n  t.usd AS usd\n"
        "}\nRETURN id, amount, usd"
    )

    assert narrowed(text, frozenset({"amount", "usd"})) == (
        "MATCH (t:T {amount: $amount}) WHERE size(t.amount) > 1\n"
        "WITH t, t.amount AS amount_raw\nRETURN t.id AS id\n}\nRETURN id"
    )
    for missing in ("id", "size", "other"):
        with pytest.raises(LookupError, match=missing):
            narrowed(text, frozenset({missing}))
