"""Events as they travel: told back as they were, and refused where they cannot be understood."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from graph_api.domain.events import ANY_CHAIN, LINE_OF, VERSION, Event, Lane, Topic
from graph_api.live.codec import UnknownEvent, decode, encode
from tests.live.given import SEEN, event

PLAIN = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**63), 2**63) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    topic=some.sampled_from(Topic),
    number=some.integers(1, 2**53),
    at=some.integers(0, 2**53),
    body=some.dictionaries(some.text(), PLAIN, max_size=5),
)
def test_an_event_is_told_back_as_it_was(
    topic: Topic, number: int, at: int, body: dict[str, Any]
) -> None:
    told = Event(topic=topic, chain=ANY_CHAIN, number=number, at=at, body=body)

    assert decode(encode(told), Lane(LINE_OF[topic], ANY_CHAIN), number) == told


def test_what_travels_is_json_that_anybody_can_read() -> None:
    said = json.loads(encode(event(7)))

    assert said == {
        "version": VERSION,
        "topic": "transfer.seen",
        "at": event(7).at,
        "body": {"told": 7},
    }


def test_a_later_version_is_refused_by_its_number_whatever_it_says() -> None:
    later = [
        msgspec.json.encode({"version": 2, "topic": "transfer.seen", "at": 0, "body": {}}),
        msgspec.json.encode({"version": 2, "topic": "moon.seen", "when": "now"}),
    ]
    for text in later:
        with pytest.raises(UnknownEvent, match=r"Event 5 of transfers:eip155:1 is of version 2,"):
            decode(text.decode(), SEEN, 5)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version":1}', '{"version":1,"topic":"x"}'])
def test_a_damaged_event_is_named(text: str) -> None:
    with pytest.raises(UnknownEvent, match=r"Event 5 of transfers:eip155:1 is damaged"):
        decode(text, SEEN, 5)
