"""Cursors: opaque, safe in a URL, refused when they are not what was given out."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as some

from graph_api.domain.errors import BadInput
from graph_api.domain.events import Lane, Line
from graph_api.live import cursors
from graph_api.live.cursors import Cursor, Mark
from tests.live.given import OTHER, SEEN

MARKS = some.dictionaries(
    some.builds(Lane, some.sampled_from(Line), some.text(max_size=12)),
    some.builds(Mark, some.text(max_size=12), some.integers(0, 2**53)),
    max_size=6,
)
SAFE = set(string.ascii_letters + string.digits + "-_")


@given(MARKS)
def test_a_cursor_comes_back_as_it_was(marks: dict[Lane, Mark]) -> None:
    text = Cursor(marks).text()

    assert Cursor.of(text).marks == marks
    assert set(text) <= SAFE
    assert Cursor(dict(reversed(marks.items()))).text() == text


@given(MARKS, some.data())
def test_a_cursor_that_was_changed_is_refused(
    marks: dict[Lane, Mark], data: some.DataObject
) -> None:
    text = Cursor(marks).text()
    place = data.draw(some.integers(0, len(text) - 2))
    other = data.draw(some.sampled_from(sorted(SAFE - {text[place]})))

    with pytest.raises(BadInput, match="no cursor"):
        Cursor.of(text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize("text", ["", "a", "?", "é", "AAAA", "AAAAAAAA", "x" * 100_000, "a b"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="give one back exactly as it came"):
        Cursor.of(text)


def test_a_cursor_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr(cursors, "_VERSION", 2)
        text = Cursor({SEEN: Mark("a", 1)}).text()

    with pytest.raises(BadInput, match="another version"):
        Cursor.of(text)


def test_a_cursor_is_moved_and_narrowed_without_being_changed() -> None:
    start = Cursor({SEEN: Mark("a", 1)})

    moved = start.moved(OTHER, Mark("b", 2)).moved(SEEN, Mark("a", 3))

    assert start.marks == {SEEN: Mark("a", 1)}
    assert moved.marks == {SEEN: Mark("a", 3), OTHER: Mark("b", 2)}
    assert moved.only([OTHER, Lane(Line.OTC, "x")]).marks == {OTHER: Mark("b", 2)}
