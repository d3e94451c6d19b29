"""Printed parts of the documents say what the code says, and links in them lead somewhere."""

import re
from pathlib import Path

import pytest

from deskgraph import cookbook
from graph_api.server.examples import EXAMPLES
from graph_api.settings import Settings
from scripts import printed
from scripts.tree import ROOT, kept_files

DOCUMENTS = [name for name in kept_files(ROOT) if name.endswith(".md")]
PRINTED = {path.relative_to(ROOT).as_posix(): text for path, text in printed.printed()}


@pytest.mark.parametrize("page", PRINTED)
def test_a_printed_page_is_up_to_date(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == PRINTED[page], "run `make docs`"


def test_every_question_is_in_the_cookbook_once_with_its_statement() -> None:
    page = PRINTED["docs/cypher-cookbook.md"]
    for question in cookbook.questions():
        assert page.count(f"\n## {question.name}\n") == 1
        assert page.count(f"```cypher\n{question.text.strip()}\n```") == 1


def test_every_example_is_in_the_readme() -> None:
    shown = re.findall(r"```graphql\n(.*?)\n```", PRINTED["README.md"], re.DOTALL)
    assert shown == [example.query.strip() for example in EXAMPLES]


def test_a_changed_part_is_noticed_and_an_unknown_one_refused() -> None:
    page = "by hand\n<!-- printed: one -->\nold\n<!-- end -->\nby hand\n"
    assert printed.filled(page, {"one": "new\n"}) == page.replace("old", "new")
    with pytest.raises(printed.UnknownPart, match="one"):
        printed.filled(page, {})


def test_every_setting_has_a_variable_that_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    table = printed.settings_table()
    names = re.findall(r"`(DESKGRAPH_\w+)`", table)
    assert len(names) > 20
    assert "| `DESKGRAPH_HTTP__PORT` | whole number, from 0, to 65535 | `8000` |" in table
    monkeypatch.setenv("DESKGRAPH_HTTP__PORT", "8123")
    monkeypatch.setenv("DESKGRAPH_PROFILE", "production")
    settings = Settings()
    assert (settings.http.port, settings.profile) == (8123, "production")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_between_documents_lead_somewhere(document: str) -> None:
    text = re.sub(r"```.*?```|`[^`]*`", "", (ROOT / document).read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / document).parent / name if name else ROOT / document
        assert path.exists(), f"{document} links to {target}"
        if anchor:
            assert anchor in anchors(path), f"{document} links to {target}"


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
