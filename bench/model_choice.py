"""Which graph model holds transfers and flows best? Measured on a running engine.

``python -m bench.model_choice --engine embedded|neo4j --rows N`` loads the same seeded rows in
every model under test, times the statements that the service needs and prints one table.
It wants an empty scratch database: each model writes under labels of its own and stays there.
Address and login come from options or ``MODEL_CHOICE_URI``, ``_USER``, ``_PASSWORD`` and
``_DATABASE``; ``--data-dir`` (the engine's folder) adds bytes on disk.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import neo4j

Row = dict[str, Any]
HUB = 0
KEY_TOP = 10**15


def wallet_id(number: int) -> str:
    """A made-up account id that looks like a real one."""
    return "eip155:1:0x" + hashlib.sha1(b"w%d" % number).hexdigest()


def order_key(block: int, position: int) -> str:
    """Newest first when sorted ascending: the order is inverted and zero padded."""
    return f"{KEY_TOP - (block * 10**5 + position):015d}"


def transfer_rows(count: int, wallets: int) -> Iterator[Row]:
    """Seeded transfers: half of them are sent by one hub, three to a transaction."""
    chance = random.Random(7)
    for number in range(count):
        sender = HUB if number % 2 == 0 else chance.randrange(1, wallets)
        recipient = chance.randrange(1, wallets)
        block, position = 20_000_000 + number // 150, number % 150
        digest = hashlib.sha256(b"t%d" % (number // 3)).hexdigest()
        key = order_key(block, position)
        yield {
            "id": f"eip155:1:0x{digest}:log:{position}",
            "transaction": f"eip155:1:0x{digest}",
            "sender": wallet_id(sender),
            "recipient": wallet_id(recipient),
            "sender_key": f"{wallet_id(sender)}|{key}",
            "recipient_key": f"{wallet_id(recipient)}|{key}",
            "order_key": key,
            "block_number": block,
            "amount": chance.random() * 1000,
            "amount_raw": str(chance.randrange(10**20)),
        }


def chunks(rows: list[Row], size: int) -> Iterator[list[Row]]:
    """The rows in lists of ``size``."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


class Bench:
    """One connection, and the table that it fills."""

    def __init__(self, session: neo4j.Session, engine: str, data_dir: Path | None) -> None:
        self.session, self.engine, self.data_dir = session, engine, data_dir

    def run(self, text: str, **params: Any) -> list[Row]:
        """All rows of one auto-commit statement."""
        query = neo4j.Query(text, timeout=60)
        return self.session.run(query, params).data()

    def put(self, label: str, value: str) -> None:
        """One line of the table."""
        print(f"| {self.engine} | {label} | {value} |", flush=True)

    def schema(self, *statements: str) -> None:
        """Indexes and constraints; one that the engine refuses becomes a line."""
        for text in statements:
            try:
                self.run(text)
            except neo4j.exceptions.Neo4jError as error:
                self.put("refused", f"{text}: {str(error)[:120]}")
        if self.engine == "neo4j":
            self.run("CALL db.awaitIndexes(60)")

    def feed(self, text: str, rows: list[Row], size: int) -> None:
        """The rows as ``$r`` of one statement per batch."""
        for batch in chunks(rows, size):
            self.run(text, r=batch)

    def timed(self, label: str, work: Callable[[], int], times: int = 5) -> None:
        """Median milliseconds of ``work``, which says how many rows it handled."""
        spent: list[float] = []
        try:
            for _ in range(times):
                start = time.perf_counter()
                rows = work()
                spent.append((time.perf_counter() - start) * 1e3)
                if sum(spent) > 8000:
                    break
            self.put(label, f"{statistics.median(spent):.1f} ms, {rows} rows")
        except neo4j.exceptions.Neo4jError as error:
            self.put(label, f"error {str(error)[:150]}")

    def read(self, label: str, text: str, times: int = 5, **params: Any) -> None:
        """Median milliseconds of one statement."""
        self.timed(label, lambda: len(self.run(text, **params)), times)

    def rate(self, label: str, rows: int, work: Callable[[], object]) -> None:
        """Rows per second of ``work``."""
        start = time.perf_counter()
        try:
            work()
            self.put(label, f"{rows / (time.perf_counter() - start):,.0f} rows/s")
        except neo4j.exceptions.Neo4jError as error:
            self.put(label, f"error {str(error)[:150]}")

    def disk(self, kind: str) -> int:
        """Bytes of one model's files; Neo4j keeps all models in the same ones."""
        if self.data_dir is None:
            return 0
        if self.engine == "neo4j":
            # Needs db.checkpoint.interval.time=10s: Community has no db.checkpoint().
            time.sleep(15)
        files = [entry for entry in self.data_dir.rglob("*") if entry.is_file()]
        if self.engine == "embedded":
            return sum(f.stat().st_size for f in files if f"_{kind}_" in f.name)
        return sum(f.stat().st_blocks * 512 for f in files if "transactions" not in f.parts)


def ordered(bench: Bench, key: str) -> str:
    """Neo4j is told the order; the embedded engine sorts everything when told, so it is not."""
    return f"ORDER BY {key} " if bench.engine == "neo4j" else ""


PROPS = (
    "{id:r.id, transaction:r.transaction, amount:r.amount, amount_raw:r.amount_raw, "
    "block_number:r.block_number, order_key:r.order_key"
)
KEYED = (
    PROPS + ", sender:r.sender, recipient:r.recipient, sender_key:r.sender_key, "
    "recipient_key:r.recipient_key}"
)
CREATE = {
    "rel": "UNWIND $r AS r MATCH (a:W_rel {id:r.sender}) MATCH (b:W_rel {id:r.recipient}) "
    "CREATE (a)-[:T_rel " + PROPS + "}]->(b)",
    "node": "UNWIND $r AS r MATCH (a:W_node {id:r.sender}) MATCH (b:W_node {id:r.recipient}) "
    "CREATE (a)-[:SENT_node]->(:T_node " + KEYED + ")-[:REACHED_node]->(b)",
    "keys": "UNWIND $r AS r CREATE (:T_keys " + KEYED + ")",
    "bare": "UNWIND $r AS r CREATE (:T_bare " + KEYED + ")",
}


def load(bench: Bench, kind: str, rows: list[Row], size: int) -> None:
    """The loader's shape: wallets, what exists already, then CREATE of what does not."""
    for batch in chunks(rows, size):
        ids = sorted({row[end] for row in batch for end in ("sender", "recipient")})
        bench.run(f"UNWIND $ids AS id MERGE (:W_{kind} {{id:id}})", ids=ids)
        if kind == "rel":
            keys = sorted({row["transaction"] for row in batch})
            text = "UNWIND $ids AS id MATCH (x:X_rel {id:id}) RETURN x.id AS id"
            known = {row["id"] for row in bench.run(text, ids=keys)}
            fresh = [row for row in batch if row["transaction"] not in known]
            new = sorted({row["transaction"] for row in fresh})
            bench.run("UNWIND $ids AS id CREATE (:X_rel {id:id})", ids=new)
        else:
            text = f"UNWIND $ids AS id MATCH (t:T_{kind} {{id:id}}) RETURN t.id AS id"
            known = {row["id"] for row in bench.run(text, ids=[row["id"] for row in batch])}
            fresh = [row for row in batch if row["id"] not in known]
        if fresh:
            bench.run(CREATE[kind], r=fresh)


OUT = " RETURN t.id AS id, t.amount AS amount, t.block_number AS block"


def one_by_one(bench: Bench, text: str, ids: list[str]) -> int:
    """Rows of one statement for each id: all that the embedded engine's relationships allow."""
    return sum(len(bench.run(text, id=key)) for key in ids)


def read_relationships(bench: Bench, rows: list[Row]) -> None:
    """The reads and the rollback, on transfers that are relationships."""
    ids = [row["id"] for row in rows[300:303]]
    last = rows[-1]["block_number"]
    late = sum(row["block_number"] > last - 64 for row in rows)
    one = "MATCH ()-[t:T_rel]->() WHERE t.id = $id" + OUT
    bench.timed("rel: transfers of one transaction", partial(one_by_one, bench, one, ids))
    page = "MATCH (w:W_rel {id:$w})-[t:T_rel]->(b) WITH t, b ORDER BY t.order_key LIMIT 20"
    page += OUT + ", b.id AS other"
    bench.read("rel: hub page 20 with counterpart", page, w=wallet_id(HUB))
    bench.read("rel: small wallet page", page, w=wallet_id(5))
    # Without ORDER BY the embedded engine answers quickly, and with the wrong twenty.
    over = "MATCH ()-[t:T_rel]->() WHERE t.order_key >= '' WITH t ORDER BY t.order_key LIMIT 20"
    bench.read("rel: newest 20 overall", over + OUT)
    gone = "MATCH ()-[t:T_rel]->() WHERE t.order_key <= $k DELETE t"
    key = order_key(last - 63, 0)
    bench.rate("rel: rollback of 64 blocks", late, partial(bench.run, gone, k=key))


def read_nodes(bench: Bench, kind: str, rows: list[Row]) -> None:
    """The reads and the rollback, on transfers that are keyed nodes."""
    ids = [row["id"] for row in rows[300:303]]
    last = rows[-1]["block_number"]
    late = [row["id"] for row in rows if row["block_number"] > last - 64]
    node = f"MATCH (t:T_{kind}) WHERE "
    bench.read(f"{kind}: transfers of one transaction", node + "t.id IN $ids" + OUT, ids=ids)
    first = node + "t.sender_key STARTS WITH {} WITH t " + ordered(bench, "t.sender_key")
    first += "LIMIT 20" + OUT + ", t.recipient AS other"
    page = first.format("$w")
    bench.read(f"{kind}: hub page 20 with counterpart", page, w=wallet_id(HUB))
    bench.read(f"{kind}: small wallet page", page, w=wallet_id(5))
    wallets = [wallet_id(number) for number in range(100)]
    label = f"{kind}: pages of 100 wallets in one statement"
    if bench.engine == "neo4j":
        inner = first.format("w") + ", t.order_key AS key"
        bench.read(label, f"UNWIND $ws AS w CALL (w) {{ {inner} }} RETURN w, id, key", ws=wallets)
    else:
        # Inside UNWIND or CALL a range is a scan here; a branch with its own parameter is not.
        parents: Row = {f"p{number}": name for number, name in enumerate(wallets)}
        bench.read(label, " UNION ALL ".join(first.format("$" + p) for p in parents), **parents)
    over = node + "t.order_key >= '' WITH t " + ordered(bench, "t.order_key") + "LIMIT 20"
    bench.read(f"{kind}: newest 20 overall", over + OUT)
    if kind == "node":
        hop = "MATCH (w:W_node {id:$w})-[:SENT_node]->(t)-[:REACHED_node]->(b) WITH t, b "
        hop += "ORDER BY t.order_key LIMIT 20" + OUT + ", b.id AS other"
        bench.read("node: hub page 20 by hops", hop, w=wallet_id(HUB))
    gone = f"UNWIND $ids AS id MATCH (t:T_{kind} {{id:id}}) DETACH DELETE t"
    bench.rate(f"{kind}: rollback of 64 blocks", len(late), partial(bench.run, gone, ids=late))


def transfers(bench: Bench, rows: list[Row], size: int) -> None:
    """Transfers as relationship, as node with relationships, and as keyed node alone."""
    for kind in CREATE:
        unique = "CREATE CONSTRAINT IF NOT EXISTS FOR (x:{0}) REQUIRE x.id IS UNIQUE"
        bench.schema(unique.format(f"W_{kind}"))
        if kind == "rel":
            rel = "CREATE INDEX IF NOT EXISTS FOR ()-[t:T_rel]-() ON (t.{0})"
            bench.schema(unique.format("X_rel"), rel.format("id"), rel.format("order_key"))
        else:
            index = f"CREATE INDEX IF NOT EXISTS FOR (t:T_{kind}) ON (t.{{0}})"
            keys = ("order_key", "sender_key", "recipient_key") if kind != "bare" else ()
            bench.schema(unique.format(f"T_{kind}"), *(index.format(key) for key in keys))
        before = bench.disk(kind)
        bench.rate(f"{kind}: load", len(rows), partial(load, bench, kind, rows, size))
        if bench.data_dir:
            used = (bench.disk(kind) - before) / len(rows)
            bench.put(f"{kind}: bytes per transfer", f"{used:,.0f}")
        if kind == "bare":
            continue
        again = [row for row in rows if row["sender"] == wallet_id(HUB)][: size * 4]
        label = f"{kind}: replay onto hub"
        bench.rate(label, len(again), partial(load, bench, kind, again, size))
        if kind == "rel":
            read_relationships(bench, rows)
        else:
            read_nodes(bench, kind, rows)


LINK = {
    "rel": "CREATE (a)-[:F_rel {id:r.id, amount:r.amount}]->(b)",
    "node": "CREATE (a)-[:PAID_node]->"
    "(:F_node {id:r.id, amount:r.amount, rank:r.rank})-[:PAYEE_node]->(b)",
    "both": "CREATE (:F_both {id:r.id, amount:r.amount, rank:r.rank, payee:r.b}) "
    "CREATE (a)-[:FLOWED_both {id:r.id, amount:r.amount}]->(b)",
}


def flow_rows(pairs: list[tuple[int, int]]) -> list[Row]:
    """One aggregate per ordered pair."""
    chance = random.Random(3)
    rows: list[Row] = []
    for left, right in pairs:
        a, b, amount = wallet_id(left), wallet_id(right), chance.random() * 1000
        rank = f"{a}|{10**9 - int(amount * 1000):010d}"
        rows.append({"id": f"{a}>{b}", "a": a, "b": b, "amount": amount, "rank": rank})
    return rows


def upsert(bench: Bench, kind: str, batch: list[Row]) -> None:
    """Read totals by key, then SET what exists and CREATE what does not, in one transaction.

    ``both`` leaves the relationship's copy of the amount as it was created: the embedded engine
    has no fast way from a key to a relationship, so a copy there could only grow old.
    """
    ends = "UNWIND $r AS r MATCH (a:W_flow {id:r.a}) MATCH (b:W_flow {id:r.b}) "
    with bench.session.begin_transaction() as tx:

        def go(text: str, rows: list[Row]) -> list[Row]:
            return tx.run(text, r=rows).data() if rows else []

        if kind == "rel":
            go(ends + "MERGE (a)-[f:F_rel {id:r.id}]->(b) SET f.amount = r.amount", batch)
        else:
            seen = {
                row["id"]
                for row in go(
                    f"UNWIND $r AS r MATCH (f:F_{kind} {{id:r.id}}) RETURN f.id AS id", batch
                )
            }
            go(
                f"UNWIND $r AS r MATCH (f:F_{kind} {{id:r.id}}) "
                "SET f.amount = r.amount, f.rank = r.rank",
                [row for row in batch if row["id"] in seen],
            )
            go(ends + LINK[kind], [row for row in batch if row["id"] not in seen])
        tx.commit()


def flows(bench: Bench, degree: int, size: int) -> None:
    """FLOWED three ways: a relationship, a keyed node, and a keyed node beside a relationship."""
    unique = "CREATE CONSTRAINT IF NOT EXISTS FOR (x:{0}) REQUIRE x.id IS UNIQUE"
    index = "CREATE INDEX IF NOT EXISTS FOR (f:{0}) ON (f.rank)"
    bench.schema(
        *(unique.format(name) for name in ("W_flow", "F_node", "F_both")),
        index.format("F_node"),
        index.format("F_both"),
    )
    ids = [wallet_id(number) for number in range(degree + size)]
    for start in range(0, len(ids), 5000):
        bench.run("UNWIND $ids AS id MERGE (:W_flow {id:id})", ids=ids[start : start + 5000])
    chance = random.Random(5)
    pairs = {(HUB, number) for number in range(1, degree)}
    # Ordinary wallets pay among the first few thousand, so that walks have somewhere to go.
    dense = min(degree, 5000)
    while len(pairs) < degree * 2:
        pairs.add((chance.randrange(1, dense), chance.randrange(1, dense)))
    start_rows = flow_rows(sorted(pairs))
    on_hub = flow_rows(
        [(HUB, n) for n in range(1, size // 2)] + [(HUB, degree + n) for n in range(size // 2)]
    )
    usual = flow_rows(
        sorted(pairs)[-size // 2 :] + [(degree + n, degree + n + 1) for n in range(size // 2)]
    )
    ends = "UNWIND $r AS r MATCH (a:W_flow {id:r.a}) MATCH (b:W_flow {id:r.b}) "
    for kind, link in LINK.items():
        before = bench.disk(kind)
        bench.rate(
            f"flow {kind}: create",
            len(start_rows),
            partial(bench.feed, ends + link, start_rows, size),
        )
        if bench.data_dir:
            used = (bench.disk(kind) - before) / len(start_rows)
            bench.put(f"flow {kind}: bytes each", f"{used:,.0f}")
        bench.rate(
            f"flow {kind}: upsert, ordinary", len(usual), partial(upsert, bench, kind, usual)
        )
        some = on_hub[-20:] if kind == "rel" and bench.engine == "embedded" else on_hub
        bench.rate(f"flow {kind}: upsert on hub", len(some), partial(upsert, bench, kind, some))
        hop = {
            "rel": "-[f:F_rel]->",
            "node": "-[:PAID_node]->(f:F_node)-[:PAYEE_node]->",
            "both": "-[f:FLOWED_both]->",
        }[kind]
        ws = [wallet_id(number) for number in range(1, 101)]
        top = (
            f"UNWIND $ws AS w MATCH (a:W_flow {{id:w}}){hop}(b) WITH w, f.amount AS m, b.id "
            "AS b ORDER BY m DESC RETURN w, collect([b, m])[..5] AS top"
        )
        bench.read(f"flow {kind}: top 5 of 100 wallets, hops", top, ws=ws)
        bench.read(f"flow {kind}: top 5 of hub, hops", top, ws=[wallet_id(HUB)])
        if kind == "both":
            one = (
                "MATCH (f:F_both) WHERE f.rank STARTS WITH $p{0} WITH f "
                + ordered(bench, "f.rank")
                + "LIMIT 5 RETURN {0} AS w, f.payee AS b, f.amount AS m"
            )
            parents: Row = {f"p{number}": w for number, w in enumerate(ws)}
            union = " UNION ALL ".join(one.format(number) for number in range(100))
            bench.read("flow both: top 5 of 100 wallets, rank index", union, **parents)
            bench.read("flow both: top 5 of hub, rank index", one.format(0), p0=wallet_id(HUB))
        second = hop.replace("f:", "g:")
        two = (
            f"MATCH (a:W_flow {{id:$w}}){hop}(b){second}(c) RETURN a.id AS a, b.id AS b, "
            "c.id AS c, f.amount AS m, g.amount AS n LIMIT 500"
        )
        bench.read(f"flow {kind}: two hops, 500 edges", two, w=ws[3])
        four, where = f"MATCH (a0:W_flow {{id:$w}}){hop.replace('f:', 'f1:')}(a1)", "f1.amount>$m"
        for step in range(2, 5):
            four += hop.replace("f:", f"f{step}:") + f"(a{step})"
            where += f" AND f{step}.amount > $m"
        text = f"{four} WHERE {where} RETURN count(*) AS n"
        bench.read(f"flow {kind}: four hops, amount filter", text, w=ws[3], m=700.0)
    # Updating a relationship by the engine's own id.
    found = bench.run(
        "MATCH (a:W_flow {id:$w})-[f:FLOWED_both]->() RETURN elementId(f) AS e LIMIT 1000",
        w=wallet_id(HUB),
    )
    # The embedded engine scans once for each row, and goes on when the client has left.
    for count in (10,) if bench.engine == "embedded" else (10, 1000):
        bench.read(
            f"flow both: {count} relationships by elementId",
            "UNWIND $r AS r MATCH ()-[f]->() WHERE elementId(f) = r.e SET f.amount = 5.0",
            times=2,
            r=found[:count],
        )


def hubs(bench: Bench, degree: int, size: int) -> None:
    """HOLDS as keyed node, and bare relationships to one hub node as its degree grows."""
    unique = "CREATE CONSTRAINT IF NOT EXISTS FOR (x:{0}) REQUIRE x.id IS UNIQUE"
    bench.schema(
        unique.format("Holding"),
        unique.format("Hub"),
        "CREATE INDEX IF NOT EXISTS FOR (h:Holding) ON (h.holder_rank)",
    )
    bench.run("MERGE (:Hub {id:'token'}) MERGE (:Hub {id:'label'})")
    rows: list[Row] = [
        {"id": wallet_id(n), "rank": f"token|{(n * 7919) % 10**9:030d}"} for n in range(degree)
    ]
    keyed = (
        "UNWIND $r AS r MATCH (w:W_flow {id:r.id}) MATCH (t:Hub {id:'token'}) CREATE "
        "(w)-[:HAS]->(:Holding {id:r.id + ':token', holder_rank:r.rank, wallet:r.id})-[:OF]->(t)"
    )
    label = (
        "UNWIND $r AS r MATCH (w:W_flow {id:r.id}) MATCH (t:Hub {id:'label'}) "
        "CREATE (w)-[:HAS_LABEL]->(t)"
    )
    held = (
        "UNWIND $r AS r MATCH (w:W_flow {id:r.id}) MATCH (t:Hub {id:'token'}) "
        "MERGE (w)-[h:HOLDS]->(t) SET h.rank = r.rank"
    )
    first, rest = rows[:size], rows[-size:]
    for name, text in (("holding node", keyed), ("label", label), ("HOLDS relationship", "")):
        if not text:
            text = held.replace(
                "MERGE (w)-[h:HOLDS]->(t) SET h.rank = r.rank",
                "CREATE (w)-[:HOLDS {rank:r.rank}]->(t)",
            )
        bench.rate(f"{name}: first batch", size, partial(bench.run, text, r=first))
        for batch in chunks(rows[size:-size], size):
            bench.run(text, r=batch)
        bench.rate(f"{name}: batch at degree {degree}", size, partial(bench.run, text, r=rest))
    bench.rate("HOLDS relationship: MERGE at hub", 50, lambda: bench.run(held, r=rows[100:150]))
    bench.rate(
        "holding node: MERGE and SET",
        size,
        lambda: bench.run(
            "UNWIND $r AS r MERGE (h:Holding {id:r.id + ':token'}) SET h.holder_rank = r.rank",
            r=first,
        ),
    )
    bench.read(
        "holding node: top 20 by key",
        "MATCH (h:Holding) WHERE h.holder_rank STARTS WITH "
        "'token|' WITH h " + ordered(bench, "h.holder_rank") + "LIMIT 20 RETURN h.wallet",
    )
    bench.read(
        "HOLDS relationship: top 20",
        "MATCH (w)-[h:HOLDS]->(:Hub {id:'token'}) "
        "WITH w, h ORDER BY h.rank LIMIT 20 RETURN w.id AS w",
        times=3,
    )
    bench.read(
        "label: members page of 100",
        "MATCH (w)-[:HAS_LABEL]->(:Hub {id:'label'}) RETURN w.id AS w LIMIT 100",
    )
    bench.read(
        "label: is this wallet a member",
        "MATCH (w:W_flow {id:$w})-[:HAS_LABEL]->(l) RETURN l.id AS id",
        w=wallet_id(77),
    )


def levers(bench: Bench) -> None:
    """Batch size, MERGE inside or apart, and what one more indexed string costs."""
    unique = "CREATE CONSTRAINT IF NOT EXISTS FOR (x:{0}) REQUIRE x.id IS UNIQUE"
    count = 10_000
    for size in (500, 1000, 2000, 5000, 10_000):
        kind = f"B{size}"
        bench.schema(unique.format(kind))
        rows: list[Row] = [
            {"id": f"{wallet_id(n)}:{size}", "k": f"{wallet_id(n)}|{n:040d}"} for n in range(count)
        ]
        bench.rate(
            f"nodes in batches of {size}",
            count,
            partial(bench.feed, f"UNWIND $r AS r CREATE (n:{kind}) SET n = r", rows, size),
        )
    for extra in range(4):
        kind = f"I{extra}"
        bench.schema(
            unique.format(kind),
            *(f"CREATE INDEX IF NOT EXISTS FOR (n:{kind}) ON (n.k{i})" for i in range(extra)),
        )
        rows = [
            {
                "id": wallet_id(n),
                **{f"k{i}": f"{wallet_id((n * 7919 + i) % count)}|{n:040d}" for i in range(3)},
            }
            for n in range(count)
        ]
        bench.rate(
            f"nodes with {extra} indexed 92 character keys",
            count,
            partial(bench.feed, f"UNWIND $r AS r CREATE (n:{kind}) SET n = r", rows, 2000),
        )
    inside = "UNWIND $r AS r MERGE (a:M {id:r.a}) MERGE (b:M {id:r.b}) CREATE (a)-[:P]->(b)"
    apart = "UNWIND $r AS r MATCH (a:M {id:r.a}) MATCH (b:M {id:r.b}) CREATE (a)-[:P]->(b)"
    bench.schema(unique.format("M"))
    chance = random.Random(9)
    pairs: list[list[Row]] = [
        [
            {"a": f"{turn}:{chance.randrange(3000)}", "b": f"{turn}:{chance.randrange(3000)}"}
            for _ in range(count)
        ]
        for turn in range(2)
    ]
    bench.rate(
        "wallet MERGE inside",
        count,
        partial(bench.feed, inside, pairs[0], 2000),
    )

    def separate() -> None:
        for part in chunks(pairs[1], 2000):
            ids = sorted({row[end] for row in part for end in ("a", "b")})
            bench.run("UNWIND $ids AS id MERGE (:M {id:id})", ids=ids)
            bench.run(apart, r=part)

    bench.rate("wallet MERGE apart", count, separate)


def main() -> None:
    """Read the options, run the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("embedded", "neo4j"), required=True)
    parser.add_argument("--rows", type=int, default=100_000, help="transfers per model")
    parser.add_argument("--degree", type=int, default=60_000, help="partners of the flow hub")
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--only", choices=("transfers", "flows", "hubs", "levers"))
    parser.add_argument("--data-dir", type=Path, help="the engine's data folder")
    default = {"uri": "bolt://127.0.0.1:7687", "user": "neo4j", "password": "", "database": ""}
    for name, value in default.items():
        fallback = os.environ.get(f"MODEL_CHOICE_{name.upper()}", value)
        parser.add_argument(f"--{name}", default=fallback)
    options = parser.parse_args()
    database = options.database or ("neo4j" if options.engine == "neo4j" else "deskgraph")
    with (
        neo4j.GraphDatabase.driver(options.uri, auth=(options.user, options.password)) as driver,
        driver.session(database=database) as session,
    ):
        bench = Bench(session, options.engine, options.data_dir)
        print("| engine | what | measured |\n|---|---|---|", flush=True)
        wanted = options.only
        if wanted in (None, "transfers"):
            rows = list(transfer_rows(options.rows, max(1000, options.rows // 10)))
            transfers(bench, rows, options.batch)
        if wanted in (None, "flows"):
            flows(bench, options.degree, options.batch)
        if wanted in (None, "hubs"):
            hubs(bench, options.degree - options.batch, options.batch)
        if wanted in (None, "levers"):
            levers(bench)


if __name__ == "__main__":
    main()
