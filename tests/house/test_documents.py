"""What the documents tell people to type works: commands parse, and console sessions come true."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from graphql import parse, validate

from deskgraph import cypher_shell
from deskgraph.__main__ import cli
from graph_api.schema.schema import build_schema
from scripts.tree import ROOT, kept_files

DOCUMENTS = [name for name in kept_files(ROOT) if name == "README.md" or name.startswith("docs/")]
TEXTS = {name: (ROOT / name).read_text() for name in DOCUMENTS if name.endswith(".md")}


def blocks(language: str) -> list[tuple[str, str]]:
    fence = re.compile(rf"^```{language}\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [(name, block) for name, text in TEXTS.items() for block in fence.findall(text)]


def commands(program: str) -> list[tuple[str, tuple[str, ...]]]:
    return [
        (name, tuple(shlex.split(line)[1:]))
        for name, block in blocks("bash")
        for line in block.splitlines()
        if line.startswith(f"{program} ")
    ]


@pytest.mark.parametrize(("document", "arguments"), commands("deskgraph"))
def test_a_command_of_ours_parses(document: str, arguments: tuple[str, ...]) -> None:
    del document
    group: click.Command = cli
    context = click.Context(cli, info_name="deskgraph")
    rest = list(arguments)
    while isinstance(group, click.Group):
        name, found, rest = group.resolve_command(context, rest)
        assert found is not None
        group = found
        context = click.Context(found, info_name=name, parent=context)
    context = group.make_context(group.name, rest, parent=context)
    statement = context.params.get("statement")
    if statement and statement.startswith("@"):
        cypher_shell.asked(statement, context.params["parameters"])


@pytest.mark.parametrize(("document", "arguments"), commands("make"))
def test_a_make_target_is_there(document: str, arguments: tuple[str, ...]) -> None:
    del document
    program = shutil.which("make")
    assert program is not None
    done = subprocess.run(
        [program, "-n", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("document", "session"), blocks("console"))
def test_a_console_session_comes_true(document: str, session: str, tmp_path: Path) -> None:
    del document
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program = bin_folder / "deskgraph"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m deskgraph "$@"\n')
    program.chmod(0o755)
    work = tmp_path / "work"
    work.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DESKGRAPH_")}
    environment = kept | {
        "HOME": str(tmp_path),
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DESKGRAPH_EMBEDDED__HEAP_MB": "512",
    }
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE)
    assert steps
    for command, expected in steps:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
        assert re.fullmatch(pattern, done.stdout.strip(), re.DOTALL), f"{command}\n{done.stdout}"


@pytest.mark.parametrize(("document", "query"), blocks("graphql"))
def test_a_query_fits_the_schema(document: str, query: str) -> None:
    del document
    assert validate(build_schema()._schema, parse(query)) == []


def test_there_is_something_to_try() -> None:
    assert len(commands("deskgraph")) > 20
    assert {"demo", "test"} <= {arguments[0] for _, arguments in commands("make")}
    assert blocks("console")


def test_the_pictures_are_small() -> None:
    for path in (ROOT / "docs" / "images").glob("*.png"):
        assert path.stat().st_size < 300_000
        assert f"images/{path.name}" in TEXTS["README.md"]
