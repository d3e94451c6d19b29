"""Values survive both codecs, and no bytes whatever bring the reader down."""

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api.store.bolt.faults import Structured, Surprise
from graph_api.store.bolt.packstream import (
    KNOWN_RELEASES,
    PLAIN,
    best_codec,
    doubtful,
    unpack_carefully,
)

CODECS = (PLAIN, best_codec())

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | texts
    | st.binary(max_size=300)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(texts, inner, max_size=20),
    max_leaves=40,
)


def test_the_compiled_codec_is_in_use_here() -> None:
    assert best_codec().name == "compiled", KNOWN_RELEASES


@given(values)
def test_both_codecs_pack_alike_and_read_back_what_they_packed(value: Any) -> None:
    packed = {codec.pack(value) for codec in CODECS}
    assert len(packed) == 1
    data = bytearray(packed.pop())
    for codec in CODECS:
        assert codec.unpack(data, 0) == (value, len(data))


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
@pytest.mark.parametrize("size", [0, 15, 16, 255, 256, 65_535, 65_536, 70_000])
def test_every_size_has_its_head(codec: Any, size: int) -> None:
    for value in ("x" * size, b"x" * size, [None] * size, {str(n): n for n in range(size)}):
        data = bytearray(codec.pack(value))
        assert PLAIN.unpack(data, 0) == best_codec().unpack(data, 0) == (value, len(data))


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_floats_keep_their_bits(codec: Any) -> None:
    for value in (math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308):
        found, _ = codec.unpack(bytearray(codec.pack(value)), 0)
        assert struct.pack(">d", found) == struct.pack(">d", value)
    assert math.isnan(codec.unpack(bytearray(codec.pack(math.nan)), 0)[0])


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_tuples_are_lists_and_other_things_are_refused(codec: Any) -> None:
    assert codec.pack((1, (2, 3))) == codec.pack([1, [2, 3]])
    for strange in (2**63, -(2**63) - 1, {1: 2}, {1, 2}, object(), "\ud800"):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            codec.pack(strange)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name)
def test_a_structure_anywhere_is_named_as_such(codec: Any) -> None:
    date = b"\xb1\x44\x01"
    for data in (date, b"\x92\x01" + date, b"\xa1\x81d" + date, b"\x91\x91\x91" + date):
        with pytest.raises(Structured):
            codec.unpack(bytearray(data), 0)


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_is_a_value_within_its_bytes(data: bytes) -> None:
    buffer = bytearray(data)
    try:
        _, end = unpack_carefully(buffer, 0)
    except (Surprise, Structured):
        return
    assert 0 < end <= len(data)


@given(st.binary(max_size=200))
def test_both_codecs_judge_garbage_alike_once_it_is_cleared(data: bytes) -> None:
    buffer = bytearray(data)
    if doubtful(buffer, 0, len(buffer)):
        return
    outcomes = []
    for codec in CODECS:
        try:
            outcomes.append(repr(codec.unpack(buffer, 0)))
        except (Surprise, Structured):
            outcomes.append("refused")
    assert outcomes[0] == outcomes[1]


@given(values, st.data())
def test_one_wrong_byte_never_ends_the_process(value: Any, data: st.DataObject) -> None:
    buffer = bytearray(PLAIN.pack(value))
    place = data.draw(st.integers(0, len(buffer) - 1))
    buffer[place] = data.draw(st.integers(0, 255))
    unpack = unpack_carefully if doubtful(buffer, 0, len(buffer)) else best_codec().unpack
    try:
        unpack(buffer, 0)
    except (Surprise, Structured):
        return


def test_lengths_beyond_all_memory_are_doubted_and_refused() -> None:
    for head in (b"\xd6", b"\xda"):
        data = bytearray(b"\x92\x01" + head + b"\xff\xff\xff\xff\x81a")
        assert doubtful(data, 0, len(data))
        with pytest.raises(Surprise):
            unpack_carefully(data, 0)


RISKY = struct.unpack(">d", b"\x40\xd6\xff\xff\xff\xff\x00\x00")[0]


@given(values, st.lists(st.sampled_from([RISKY, 0x18FD6FFFFFF, "\u05a1\u06a1", b"\xd6\xff\xff"])))
def test_what_has_the_same_bytes_elsewhere_is_cleared(value: Any, risky: list[Any]) -> None:
    data = bytearray(PLAIN.pack([value, *risky, {"value": value}]))

    assert not doubtful(data, 0, len(data))
    assert best_codec().unpack(data, 0) == unpack_carefully(data, 0)


@given(values, st.integers(1, 8))
def test_what_ends_early_or_late_is_never_taken_for_whole(value: Any, cut: int) -> None:
    packed = PLAIN.pack([value, RISKY])

    for changed in (packed[:-cut], packed + b"\x01"):
        data = bytearray(changed)
        unpack = unpack_carefully if doubtful(data, 0, len(data)) else best_codec().unpack
        try:
            _, end = unpack(data, 0)
        except Surprise:
            continue
        assert end != len(data)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(Surprise, match="nested"):
        unpack_carefully(bytearray(b"\x91" * 100_000), 0)
