"""A bare ``UNWIND`` loop that writes what a load has written: what a load is measured against.

The loop gets every row ready in memory, in the batches of the load and each batch one transaction.
It looks nothing up, adds nothing up and keeps no checkpoint. Whatever has a key it MERGEs, as a
loop must that does not know what an earlier batch has made: a batch names each wallet, token, flow
and holding that it touches, but only the first mention writes properties, and those of the end at
once. Relationships are CREATEd, with their node: a MERGE of them on a hub takes milliseconds.
"""

import time
from collections.abc import Awaitable, Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import msgspec
import neo4j

from cypher import statement
from graph_api.store.graph import Graph, Row, Writing

#: Statements of totals; the loop of facts alone leaves out what they write.
TOTALS: Final = frozenset(
    f"ledger/{name}"
    for name in (
        "create_flows",
        "set_flows",
        "rank_flows_by_sender",
        "rank_flows_by_recipient",
        "create_holdings",
        "set_holdings",
        "set_chain",
    )
)


class _Made(NamedTuple):
    """How the loop makes a node: its label, what it hangs on, and its relationships."""

    label: str
    between: str = ""
    ties: str = ""


_BETWEEN: Final = "MATCH (a:Wallet {id: r.sender}), (b:Wallet {id: r.recipient})"
_IN_TRANSACTION: Final = "MATCH (x:Transaction {id: r.transaction})"
#: By the writer's statement, which the loop's own takes the place of.
_MADE: Final = {
    "ledger/create_wallets": _Made("Wallet"),
    "ledger/set_wallets": _Made("Wallet"),
    "ledger/set_tokens": _Made("Token"),
    "ledger/set_blocks": _Made("Block"),
    "ledger/set_chain": _Made("Chain"),
    "ledger/set_outputs": _Made("Output"),
    "ledger/create_bare_transactions": _Made("Transaction"),
    "ledger/create_transactions": _Made(
        "Transaction",
        "MATCH (a:Wallet {id: r.sender})",
        "CREATE (a)-[:SIGNED]->(n)",
    ),
    "ledger/create_called_transactions": _Made(
        "Transaction",
        _BETWEEN,
        "CREATE (a)-[:SIGNED]->(n)-[:CALLED]->(b)",
    ),
    "ledger/create_transfers": _Made(
        "Transfer", _BETWEEN, "CREATE (a)-[:SENT]->(n)-[:REACHED]->(b)"
    ),
    "ledger/create_moved_transfers": _Made(
        "Transfer",
        f"{_BETWEEN} {_IN_TRANSACTION}",
        "CREATE (a)-[:SENT]->(n)-[:REACHED]->(b) CREATE (x)-[:MOVED]->(n)",
    ),
    "ledger/create_minted_transfers": _Made(
        "Transfer",
        "MATCH (b:Wallet {id: r.recipient})",
        "CREATE (n)-[:REACHED]->(b)",
    ),
    "ledger/create_approvals": _Made(
        "Approval",
        f"{_IN_TRANSACTION} MATCH (a:Wallet {{id: r.owner}}), (b:Wallet {{id: r.spender}})",
        "CREATE (x)-[:APPROVED]->(n) CREATE (a)-[:GRANTED]->(n)-[:SPENDER]->(b)",
    ),
    "ledger/create_swaps": _Made(
        "Swap",
        f"{_IN_TRANSACTION} MATCH (b:Wallet {{id: r.pool}})",
        "CREATE (x)-[:SWAPPED]->(n)-[:IN_POOL]->(b)",
    ),
    "ledger/create_flows": _Made(
        "Flow",
        _BETWEEN,
        "CREATE (a)-[:FLOWED {id: r.id, token: r.token}]->(b) "
        "CREATE (n)-[:FLOW_FROM]->(a) CREATE (n)-[:FLOW_TO]->(b)",
    ),
    "ledger/set_flows": _Made("Flow"),
    "ledger/create_holdings": _Made(
        "Holding",
        "MATCH (a:Wallet {id: r.wallet}), (b:Token {id: r.token})",
        "CREATE (a)-[:HOLDS {id: r.id}]->(b)",
    ),
    "ledger/set_holdings": _Made("Holding"),
}
#: Statements that the loop runs as they are: they only tie or complete what is there.
_AS_THEY_ARE: Final = frozenset(
    {
        "ledger/carry_transfers",
        "ledger/sign_transactions",
        "ledger/call_transactions",
        "ledger/set_transactions",
        "ledger/own_outputs",
        "ledger/create_outputs_of",
        "ledger/spend_outputs_of",
        "search/create_terms",
    }
)
#: What a hub's flows get besides their totals, and its name in the row of a flow.
_RANKS: Final = {
    "ledger/rank_flows_by_sender": "sender_rank",
    "ledger/rank_flows_by_recipient": "recipient_rank",
}

Written = tuple[str, list[Row]]


class Spent(msgspec.Struct):
    """What one statement cost in a load."""

    calls: int = 0
    rows: int = 0
    seconds: float = 0.0


class Recording:
    """Every statement of a load: its time, and the rows that it wrote, by transaction."""

    def __init__(self) -> None:
        self.spent: dict[str, Spent] = {}
        self._batches: list[list[Written]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listen to the writer's statements; it does not know."""
        write, run, commit = Graph.write, Writing.run, neo4j.AsyncTransaction.commit
        tries: dict[Writing, list[Written]] = {}

        async def heard_write(graph: Graph, work: Callable[[Writing], Awaitable[Any]], /) -> Any:
            last: list[Written] = []

            async def heard(writing: Writing) -> Any:
                nonlocal last
                last = tries[writing] = []
                return await work(writing)

            answer = await write(graph, heard)
            self._batches.append(last)
            return answer

        async def heard_run(writing: Writing, name: str, /, **parameters: Any) -> list[Row]:
            begin = time.perf_counter()
            answer = await run(writing, name, **parameters)
            seconds = time.perf_counter() - begin
            rows = [parameters["row"]] if "row" in parameters else parameters.get("rows", [])
            self._note(name, len(rows or parameters.get("ids", ())), seconds)
            tries[writing].append((name, rows))
            return answer

        async def heard_commit(transaction: neo4j.AsyncTransaction) -> None:
            begin = time.perf_counter()
            await commit(transaction)
            self._note("commit", 0, time.perf_counter() - begin)

        with (
            patch.object(Graph, "write", heard_write),
            patch.object(Writing, "run", heard_run),
            patch.object(neo4j.AsyncTransaction, "commit", heard_commit),
        ):
            yield

    def _note(self, name: str, rows: int, seconds: float) -> None:
        spent = self.spent.setdefault(name, Spent())
        spent.calls += 1
        spent.rows += rows
        spent.seconds += seconds

    def batches(self, *, without: Container[str] = ()) -> list[list[Written]]:
        """The rows of the loop's statements, but for ``without``: the first mention is the end."""
        ends = self._ends()
        found: list[list[Written]] = []
        for batch in self._batches:
            written = [
                (name, [ends.pop((_MADE[name].label, row["id"]), row) for row in rows])
                if name in _MADE
                else (name, rows)
                for name, rows in batch
                if rows and name not in without and (name in _MADE or name in _AS_THEY_ARE)
            ]
            if written:
                found.append(written)
        return found

    def _ends(self) -> dict[tuple[str, str], Row]:
        """What is left in the graph of every node: the last value of each property."""
        ends: dict[tuple[str, str], Row] = {}
        for name, rows in chain.from_iterable(self._batches):
            if name in _RANKS:
                for row in rows:
                    ends["Flow", row["id"]] |= {_RANKS[name]: row["rank"]}
            elif name in _MADE:
                for row in rows:
                    key = (_MADE[name].label, row["id"])
                    ends[key] = ends.get(key, row) | _told(row)
        return ends


async def write(graph: Graph, batches: Sequence[Sequence[Written]]) -> None:
    """The loop itself, by the official driver as its manual shows it."""
    address = graph.address
    async with (
        neo4j.AsyncGraphDatabase.driver(
            address.url, auth=(address.user, address.password)
        ) as driver,
        driver.session(database=address.database) as session,
    ):
        for batch in batches:
            statements = [(_text(graph, name, tuple(rows[0])), rows) for name, rows in batch]
            async with await session.begin_transaction() as transaction:
                for text, rows in statements:
                    await (await transaction.run(text, rows=rows)).consume()
                await transaction.commit()


def _text(graph: Graph, name: str, properties: tuple[str, ...]) -> str:
    made = _MADE.get(name)
    if made is None:
        return statement(name, graph.engine)
    # Named one by one they cost less than ``n += r`` on either engine.
    sets = ", ".join(f"n.{key} = r.{key}" for key in properties if key != "id")
    return (
        f"UNWIND $rows AS r {made.between} "
        f"MERGE (n:{made.label} {{id: r.id}}) ON CREATE SET {sets} {made.ties}"
    )


def _told(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}
