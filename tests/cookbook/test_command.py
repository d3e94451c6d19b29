"""``deskgraph cypher`` as its user types it: questions, files, parameters, output, refusals."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import pytest_asyncio

from deskgraph import cookbook
from graph_api.domain.errors import BadInput
from graph_api.store import migrations
from graph_api.store.address import GraphAddress
from graph_api.store.graph import Graph
from tests import given
from tests.conftest import NOW, empty

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest_asyncio.fixture(scope="module")
async def address(embedded_address: GraphAddress) -> GraphAddress:
    """A small graph: two payments to a desk, a day apart."""
    graph = await Graph.open(embedded_address)
    await migrations.migrate(graph, now=NOW)
    await empty(graph)
    async with given.Ledger.open(graph) as ledger:
        await ledger.write(
            given.transfer("alice", "desk", tx="one", amount_raw=2**70),
            given.transfer("bob", "desk", tx="two", amount_raw=3, at=given.NOON + given.DAY),
        )
    await graph.close()
    return embedded_address


@pytest.fixture
def run(address: GraphAddress, tmp_path: Path) -> Run:
    environment = {
        "HOME": str(tmp_path),
        "DESKGRAPH_NEO4J__URL": address.url,
        "DESKGRAPH_NEO4J__USER": address.user,
        "DESKGRAPH_NEO4J__PASSWORD": address.password,
        "DESKGRAPH_NEO4J__DATABASE": address.database,
    }

    def run(*arguments: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "deskgraph", "cypher", *arguments],
            env=environment,
            input=text,
            check=False,
            capture_output=True,
            text=True,
        )

    return run


def test_a_question_is_run_by_its_name(run: Run) -> None:
    desk = given.wallet("desk").upper().replace("EIP155:1:0X", "ethereum:0x")
    done = run("@first_funding", "-p", f"wallet={desk}", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["payer"] for row in rows] == [given.wallet("alice"), given.wallet("bob")]
    assert rows[0]["amount_raw"] == str(2**70)
    assert rows[0]["first_at"].startswith("2023-11-14T22:13:20")
    assert done.returncode == 0


def test_csv_has_a_header_and_json_for_lists(run: Run) -> None:
    done = run("RETURN 'a,b' AS text, [1, 'x'] AS list, null AS nothing", "--csv")
    assert list(csv.reader(io.StringIO(done.stdout))) == [
        ["text", "list", "nothing"],
        ["a,b", '[1,"x"]', ""],
    ]


def test_a_table_in_a_file_keeps_every_value_on_one_line(run: Run) -> None:
    done = run("RETURN $id AS id, $id + $id AS twice", "-p", f"id={'x' * 90}")
    assert done.stdout.splitlines()[1].split() == ["x" * 90, "x" * 180]


def test_a_table_shows_brackets_as_they_are(run: Run) -> None:
    assert "[bold]x[/bold]" in run("RETURN '[bold]x[/bold]' AS text").stdout


def test_nodes_and_relationships_are_told_with_their_properties(run: Run) -> None:
    done = run(
        "MATCH (w:Wallet {id: $wallet})<-[r:REACHED]-(t) RETURN w, r LIMIT 1",
        "-p",
        f"wallet={given.wallet('desk')}",
        "--json",
    )
    row = json.loads(done.stdout)
    assert row["w"]["labels"] == ["Wallet"]
    assert row["w"]["transfers_in"] == 2
    assert row["r"]["type"] == "REACHED"


def test_a_file_and_standard_input_are_read(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "count.cypher"
    file.write_text("MATCH (t:Transfer) RETURN count(t) AS transfers")
    assert json.loads(run(str(file), "--json").stdout) == {"transfers": 2}
    assert json.loads(run("-", "--json", text=file.read_text()).stdout) == {"transfers": 2}


def test_parameters_are_json_or_plain_text(run: Run) -> None:
    pairs = ("-p", "list=[1, 2]", "-p", "text=plain", "-p", 'quoted="7"', "-p", "number=7")
    done = run("RETURN $list AS list, $text AS text, $quoted AS quoted, $number AS number",
               *pairs, "--json")  # fmt: skip
    assert json.loads(done.stdout) == {
        "list": [1, 2],
        "text": "plain",
        "quoted": "7",
        "number": 7,
    }


def test_writing_is_refused_unless_it_is_asked_for(run: Run) -> None:
    refused = run("CREATE (n:Note {text: 'x'})")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "deskgraph: The statement writes; add --write if it should.\n"
    assert json.loads(run("MATCH (n:Note) RETURN count(n) AS notes", "--json").stdout) == {
        "notes": 0
    }

    assert run("CREATE (n:Note {text: 'x'})", "--write").returncode == 0
    assert json.loads(run("MATCH (n:Note) RETURN n.text AS text", "--json").stdout) == {"text": "x"}
    assert run("MATCH (n:Note) DELETE n", "--write").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Give a statement, a file, or @QUESTION; --list shows the questions."),
        (("none.cypher",), "There is no file none.cypher."),
        (("RETURN 1", "-p", "x"), "--param 'x' needs NAME=VALUE."),
        (("@peel_chai",), "The cookbook has no question 'peel_chai'; did you mean @peel_chain?"),
        (("@zzz",), "The cookbook has no question 'zzz'; `deskgraph cypher --list` lists them."),
        (
            ("@net_changes",),
            "@net_changes needs wallet (the wallet): -p wallet=ACCOUNT.",
        ),
        (
            ("@net_changes", "-p", "walet=x"),
            "@net_changes has no parameter 'walet'; it has wallet, limit.",
        ),
        (
            ("@net_changes", "-p", "wallet=bitcoin:1"),
            "wallet: '1' is no Bitcoin address; its base58 checksum is wrong.",
        ),
        (
            ("@top_holders", "-p", "token=ethereum", "-p", "limit=many"),
            "limit: 'many' is no whole number.",
        ),
        (
            ("@largest_transfers", "-p", "token=ethereum", "-p", "since=yesterday"),
            "since: 'yesterday' is no date; write 2026-02-01.",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"deskgraph: {said}\n")


def test_a_statement_that_no_engine_can_read_is_told_in_one_line(run: Run) -> None:
    done = run("MATCH (w:Wallet RETURN w")
    assert done.returncode == 2
    assert done.stderr.startswith("deskgraph: The graph cannot read the statement: ")


def test_questions_are_listed_with_what_they_need(run: Run) -> None:
    listed = run("--list").stdout
    for question in cookbook.questions():
        assert f"@{question.name} " in listed
        assert question.question in listed
    assert "wallet on [known_at] [limit]" in listed


def test_a_question_is_printed_for_a_browser_and_runs_there(run: Run) -> None:
    token = "ethereum"
    printed = run("@top_holders", "-p", f"token={token}", "--print").stdout
    parameters = {}
    for line in printed.splitlines():
        if line.startswith(":param "):
            name, _, value = line.removeprefix(":param ").removesuffix(";").partition(" => ")
            parameters[name] = json.loads(value)
    assert parameters == cookbook.question("top_holders").fill({"token": token})
    assert "\x7f" not in printed
    statement = printed.partition("// ")[2].rstrip().removesuffix(";")
    pairs = [part for name, value in parameters.items()
             for part in ("-p", f"{name}={json.dumps(value)}")]  # fmt: skip
    assert "deskgraph" not in run("// " + statement, *pairs).stderr


def test_a_moment_without_a_zone_is_utc_and_keeps_its_milliseconds() -> None:
    question = cookbook.question("largest_transfers")

    def since(text: str) -> object:
        return question.fill({"token": "ethereum", "since": text})["since"]

    assert since("1970-01-02") == 86_400_000
    assert since("1970-01-01T02:00:00.001+02:00") == 1
    assert since("1970-01-01T00:00:01Z") == 1000


def test_a_bound_may_be_null_but_a_count_may_not() -> None:
    question = cookbook.question("largest_transfers")
    assert question.fill({"token": "ethereum", "from_block": "null"})["from_block"] is None
    with pytest.raises(BadInput, match="limit: 'null' is no whole number"):
        question.fill({"token": "ethereum", "limit": "null"})
    with pytest.raises(BadInput, match="below zero"):
        question.fill({"token": "ethereum", "limit": "-1"})
