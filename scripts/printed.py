"""Parts of the documents that are printed from the code, so that they cannot drift.

``python -m scripts.printed`` prints them anew; ``--check`` names what is out of date. A page is
written by hand but for its printed parts, which stand between ``<!-- printed: NAME -->`` and
``<!-- end -->``.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from deskgraph import cookbook
from graph_api.schema import schema
from graph_api.server.examples import EXAMPLES
from graph_api.settings import Settings
from graph_api.store import model
from ingest.sources.files.formats import FORMATS
from scripts.tree import ROOT

PAGES: Final = (
    "README.md",
    "docs/cypher-cookbook.md",
    "docs/configuration.md",
    "docs/graph-model.md",
    "docs/live.md",
    "docs/loading-files.md",
)
_PART: Final = re.compile(r"(<!-- printed: (?P<name>[\w/]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class UnknownPart(Exception):
    """A page asks for a part that nothing prints."""


def main() -> int:
    """Print, or with ``--check`` compare; 1 when something was out of date."""
    stale = [path for path, text in printed() if not path.is_file() or path.read_text() != text]
    if "--check" not in sys.argv[1:]:
        for path, text in printed():
            path.write_text(text, encoding="utf-8", newline="\n")
        return 0
    for path in stale:
        print(f"{path.relative_to(ROOT)} is out of date; `make docs` prints it anew.")
    return bool(stale)


def printed() -> Iterator[tuple[Path, str]]:
    """Every printed file with the text that it should have."""
    known = parts()
    for page in PAGES:
        path = ROOT / page
        yield path, filled(path.read_text(encoding="utf-8"), known)
    yield schema.PRINTED, schema.printed()


def filled(page: str, known: Mapping[str, str]) -> str:
    """``page`` with its printed parts. Raises: UnknownPart."""

    def part(found: re.Match[str]) -> str:
        if found["name"] not in known:
            raise UnknownPart(found["name"])
        return f"{found[1]}{known[found['name']].strip()}\n{found[3]}"

    return _PART.sub(part, page)


def parts() -> dict[str, str]:
    """Everything that a page can ask for, by name."""
    return {
        "queries": "\n".join(f"```graphql\n{example.query.strip()}\n```" for example in EXAMPLES),
        "settings": settings_table(),
        "model": model_page(),
        "formats": table(
            ("format", "what it is", "recognised by"),
            [(f"`{one.name}`", one.about, one.columns) for one in FORMATS],
        ),
        "questions": "\n".join(
            f"- [{question.question}](#{question.name})" for question in cookbook.questions()
        ),
        "live/python": source("python", "deskgraph/live_client.py"),
        "live/typescript": source("ts", "docs/examples/live_client.ts"),
        **{f"cookbook/{question.name}": recipe(question) for question in cookbook.questions()},
    }


def source(language: str, path: str) -> str:
    """A file as it stands."""
    return f"```{language}\n{(ROOT / path).read_text(encoding='utf-8').strip()}\n```"


def recipe(question: cookbook.Question) -> str:
    """A question's parameters, its command and its statement."""
    rows = [
        (f"`{one.name}`", one.kind, one.about, "" if one.default is None else f"`{one.default}`")
        for one in question.parameters
    ]
    pairs = "".join(f" -p {pair}" for pair in question.example)
    return "\n".join(
        [
            table(("parameter", "kind", "what it is", "default"), rows),
            "```bash",
            f"deskgraph cypher @{question.name}{pairs}",
            "```",
            "```cypher",
            question.text.strip(),
            "```",
        ]
    )


def settings_table() -> str:
    """Every setting with its environment variable, kind and default."""
    lines = []
    for group, fields in _groups(Settings, "DESKGRAPH_"):
        lines += [
            f"### {group}",
            "",
            table(("variable", "kind", "default", "what it does"), fields),
            "",
        ]
    return "\n".join(lines)


def _groups(kind: type[BaseModel], prefix: str) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    fields = {name: field for name, field in kind.model_fields.items() if _group(field) is None}
    heading = "General" if kind is Settings else (kind.__doc__ or "").strip().partition(".")[0]
    yield heading, [_setting(prefix + name.upper(), field) for name, field in fields.items()]
    for name, field in kind.model_fields.items():
        if (group := _group(field)) is not None:
            yield from _groups(group, f"{prefix}{name.upper()}__")


def _group(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _setting(variable: str, field: FieldInfo) -> tuple[str, ...]:
    default = "unset" if field.default is None else f"`{field.default}`"
    return f"`{variable}`", _kind(field), default, field.description or ""


def _kind(field: FieldInfo) -> str:
    kinds = getattr(field.annotation, "__args__", (field.annotation,))
    names = [_KIND_NAMES.get(kind, str(kind)) for kind in kinds if kind is not type(None)]
    bounds = "".join(
        f", {words} {getattr(rule, attribute)}"
        for rule in field.metadata
        for bound, words, attribute in _BOUNDS
        if isinstance(rule, bound)
    )
    return " or ".join(dict.fromkeys(names)) + bounds


_KIND_NAMES: Final[Mapping[Any, str]] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret",
}
_BOUNDS: Final = ((Ge, "from", "ge"), (Gt, "above", "gt"), (Le, "to", "le"), (Lt, "below", "lt"))


def model_page() -> str:
    """The graph model: nodes, then relationships."""
    lines = ["## Nodes", ""]
    for node in model.NODES:
        lines += [f"### {node.label}", "", node.about, ""]
        lines += [table(("property", "type", "what it says", ""), _properties(node)), ""]
    ties = [
        (
            f"`(:{tie.start})-[:{tie.type}]->(:{tie.end})`",
            tie.about,
            ", ".join(f"`{one.name}` ({one.about.rstrip('.')})" for one in tie.properties),
        )
        for tie in model.RELATIONSHIPS
    ]
    lines += ["## Relationships", "", table(("pattern", "what it says", "properties"), ties)]
    return "\n".join(lines)


def _properties(node: model.Node) -> list[tuple[str, ...]]:
    def mark(name: str) -> str:
        if name == node.key:
            return "unique"
        return "indexed" if name in node.indexes else ""

    return [(f"`{one.name}`", one.type, one.about, mark(one.name)) for one in node.properties]


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


if __name__ == "__main__":
    sys.exit(main())
