"""YAML and JSON documents, entry by entry."""

import io
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api.domain.errors import BadInput
from ingest.sources.files.labels.documents import Item, json_members, yaml_items

PATH = Path("pack.yaml")


def items(text: str, *before: str) -> list[Item]:
    return list(yaml_items(io.StringIO(text), PATH, key="tags", before=frozenset(before)))


def members(text: str) -> list[tuple[int, str, object]]:
    return list(json_members(io.StringIO(text), PATH))


def test_entries_come_with_number_line_and_header() -> None:
    found = items("title: T\ntags:\n- a: 1\n  b: 2\n- a: 3\nend: x\n")
    assert [(item.number, item.line, item.value) for item in found] == [
        (1, 3, {"a": "1", "b": "2"}),
        (2, 5, {"a": "3"}),
    ]
    assert found[0].header == {"title": "T", "end": "x"}


def test_scalars_stay_the_text_that_they_are() -> None:
    (item,) = items("tags: [{address: 0x0a, country: NO, on: 2021-01-01, none: ~, said: '~'}]")
    assert item.value == {
        "address": "0x0a",
        "country": "NO",
        "on": "2021-01-01",
        "none": None,
        "said": "~",
    }


def test_anchors_and_merges_are_followed() -> None:
    found = items(
        "base: &b {label: L, kind: k}\ntags:\n- <<: *b\n  kind: own\n- c: &x [1]\n- d: *x"
    )
    assert [item.value for item in found] == [
        {"label": "L", "kind": "own"},
        {"c": ["1"]},
        {"d": ["1"]},
    ]


def test_what_speaks_for_every_entry_must_come_before_them() -> None:
    with pytest.raises(BadInput, match="'source' after its tags"):
        items("tags: [{a: 1}]\nsource: x", "source")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tags: [{a: 1}", "near line"),
        ("title: x", "no list of tags"),
        ("tags: {a: 1}", "is no list"),
        ("- a\n- b", "no YAML mapping"),
        ("tags: [*gone]", "refers to \\*gone"),
        ("tags:\n- a: 1\n\t- b", "near line 3"),
        ("tags: " + "[" * 4000, "too deeply|damaged"),
    ],
)
def test_damaged_yaml_is_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        items(text)


def test_an_empty_list_has_no_entries() -> None:
    assert items("tags:") == items("tags: []") == []


def test_members_of_an_object_come_in_their_order_repeated_keys_too() -> None:
    text = ' {"b": {"n": [1, "x"]} ,\n "a":null, "b": 2 } \n'
    assert members(text) == [(1, "b", {"n": [1, "x"]}), (2, "a", None), (3, "b", 2)]
    assert members("{}") == []


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a"', '{"a":', '{"a":1', '{"a":1,}', '{"a":1}x', "{1:2}", '{"a" 1}']
)
def test_damaged_json_is_one_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="damaged JSON near line"):
        members(text)


def test_deep_json_is_refused() -> None:
    with pytest.raises(BadInput, match=r"too deeply|damaged"):
        members('{"a":' + "[" * 100_000)


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        members('{"a":' + "1" * 5_000 + "}")


@given(st.text(alphabet="{}[]:,\"'-&*!|>%@ab01 \n\t\\", max_size=60))
def test_no_text_breaks_the_readers(text: str) -> None:
    for read in (items, members):
        with suppress(BadInput):
            read(text)


def test_a_longer_pack_takes_its_text_and_no_more() -> None:
    def peak(tags: int) -> int:
        text = "tags:\n" + "- {address: '0x01', label: some label of a tag}\n" * tags
        tracemalloc.start()
        try:
            for item in yaml_items(io.StringIO(text), PATH, key="tags", before=frozenset()):
                assert item.value["label"]
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    line = len("- {address: '0x01', label: some label of a tag}\n")
    # The text as the buffer holds it (four bytes a character) and some room; a tag as objects
    # would take ten times that.
    assert peak(10_000) - peak(1_000) < 9_000 * line * 5
