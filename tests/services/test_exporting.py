"""Files of answers: what other programs read in them is what was written."""

import csv
from datetime import UTC, datetime
from io import BytesIO, StringIO

import networkx as nx

from graph_api.services.exporting import FileEdge, FileNode, Key, as_csv, as_graphml

HOSTILE = 'a"b<c>&\x00\x0b\ud800 ]]> é'


def test_a_graph_is_read_by_others_whatever_words_stand_in_it() -> None:
    keys = (
        Key("label", "node", "string"),
        Key("label", "edge", "string"),
        Key("amount", "edge", "double"),
        Key("known", "edge", "boolean"),
    )
    text = as_graphml(
        "any",
        keys,
        nodes=[FileNode(HOSTILE, {"label": HOSTILE, "unnamed": 1}), FileNode("b", {"label": None})],
        edges=[
            FileEdge("1", HOSTILE, "b", {"label": "", "amount": 0.5, "known": False}),
            FileEdge("2", HOSTILE, "b", {"label": "again", "amount": 1e-9}),
        ],
    )

    graph = nx.read_graphml(BytesIO(text.encode()))

    clean = 'a"b<c>&��� ]]> é'
    assert dict(graph.nodes(data=True)) == {clean: {"label": clean}, "b": {}}
    assert graph.edges[clean, "b", 1] == {"amount": 0.5, "known": False}
    assert graph.edges[clean, "b", 2] == {"label": "again", "amount": 1e-9}


def test_cells_are_no_formulas_and_numbers_stay_numbers() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    text = as_csv(("a", "b"), [("=1+1", -5), (None, at), ('@"x"\n,', True), ("-", -0.5)])

    assert [*csv.reader(StringIO(text))] == [
        ["a", "b"],
        ["'=1+1", "-5"],
        ["", "2026-01-02T00:00:00+00:00"],
        ['\'@"x"\n,', "true"],
        ["'-", "-0.5"],
    ]
