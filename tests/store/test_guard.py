"""What writes is found wherever it stands; words in texts, names and comments are left alone."""

import pytest

from cypher import ROOT
from graph_api.store.guard import writes


@pytest.mark.parametrize(
    "text",
    [
        "CREATE (n)",
        "create (n)",
        "MATCH (n)\nSET n.x = 1",
        "MATCH (n) DETACH DELETE n",
        "MATCH (n) REMOVE n.x",
        "MERGE (n:Wallet {id: 1}) RETURN n",
        "MATCH (n) FOREACH (x IN [1] | SET n.x = x)",
        "LOAD CSV FROM 'file:///x' AS row RETURN row",
        "LOAD\n  CSV FROM 'file:///x' AS row RETURN row",
        "DROP INDEX token_symbol",
        "CREATE INDEX x FOR (n:N) ON (n.x)",
        "RETURN 1 // a remark\nCREATE (n)",
        "RETURN /* a remark */ 1 UNION CREATE (n) RETURN 1",
        "RETURN 'it''s' AS x UNION CREATE (n) RETURN 1",
        r"RETURN 'a \' quote' AS x SET x.y = 1",
        "RETURN `a``b` AS x MERGE (n)",
        "RETURN '/*' AS x CREATE (n) RETURN '*/' AS y",
        "RETURN '//' AS x CREATE (n)",
        "CALL db.createLabel('x')",
        "CALL apoc.cypher.doIt('x', {})",
        "CALL apoc.create.node(['x'], {})",
        "CALL gds.louvain.write('g', {})",
        "CALL db.labels() YIELD label CALL db.createLabel(label) RETURN 1",
        "CALL `db`.`createLabel`('x')",
        "CALL/**/db.createLabel('x')",
        "OPTIONAL CALL db.createLabel('x')",
        "CALL\n db.createLabel('x')",
        r"MATCH (n) \u0053ET n.x = 1",
        r"RETURN 'a\u0027 AS x CREATE (n) RETURN \u0027b'",
        "TERMINATE TRANSACTION 'x'",
        "USE system MATCH (n) RETURN n",
        "GRANT ROLE admin TO me",
        "MATCH (n) CALL { WITH n DELETE n } RETURN 1",
    ],
)
def test_a_statement_that_writes_is_found(text: str) -> None:
    assert writes(text)


@pytest.mark.parametrize(
    "text",
    [
        "MATCH (n) RETURN n",
        "MATCH (n) WHERE n.name = 'CREATE (n)' RETURN n",
        'RETURN "it is SET; DELETE" AS text',
        r"RETURN 'a \' SET' AS text",
        "MATCH (n) RETURN n.`SET` AS `DELETE me`",
        "// CREATE (n)\nRETURN 1",
        "/* MERGE\n (n) */ RETURN 1",
        "MATCH (n) RETURN n.offset, n.settled, n.created, n.dataset",
        "MATCH (x)-[:CREATED]->(o) RETURN o",
        "CALL db.labels() YIELD label RETURN label",
        "CALL db.index.fulltext.queryNodes('names', 'x') YIELD node RETURN node",
        "CALL dbms.components()",
        "MATCH (n) CALL { WITH n MATCH (n)-->(m) RETURN m } RETURN m",
        "MATCH (n) CALL (n) { MATCH (n)-->(m) RETURN m } RETURN m",
        r"RETURN 'caf\u00e9' AS text",
        "CALL{RETURN 1 AS x} RETURN x",
        "EXPLAIN MATCH (n) RETURN n",
    ],
)
def test_a_statement_that_reads_may_pass(text: str) -> None:
    assert not writes(text)


def test_the_cookbook_only_reads() -> None:
    for path in (ROOT / "cookbook").glob("*.cypher"):
        assert not writes(path.read_text()), path.name
