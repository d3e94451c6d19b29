"""Messages come out whole, however the stream that carries them was cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api.domain.errors import TooCostly
from graph_api.store.bolt.framing import Messages, framed

KEEP_ALIVE = b"\x00\x00"


def collected(pieces: list[bytes], *, max_bytes: int = 10**9) -> list[bytes]:
    found: list[bytes] = []
    messages = Messages(
        lambda data, start, stop: found.append(bytes(data[start:stop])), max_bytes=max_bytes
    )
    for piece in pieces:
        messages.feed(piece)
    assert not messages.pending
    return found


def chunked(message: bytes, sizes: list[int]) -> bytes:
    """``message`` in chunks of these sizes, the rest in one."""
    stream, at = b"", 0
    for size in [*sizes, len(message)]:
        chunk = message[at : at + size]
        at += len(chunk)
        if chunk:
            stream += len(chunk).to_bytes(2, "big") + chunk
    return stream + KEEP_ALIVE


whole = st.binary(min_size=1, max_size=60)


@given(st.lists(st.tuples(whole, st.lists(st.integers(1, 20), max_size=5))), st.data())
def test_any_chunks_in_any_pieces_give_the_messages_back(
    sent: list[tuple[bytes, list[int]]], data: st.DataObject
) -> None:
    stream = KEEP_ALIVE.join([b"", *(chunked(message, sizes) for message, sizes in sent)])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    pieces = [
        stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
    ]
    assert collected(pieces) == [message for message, _ in sent]


def test_a_cut_at_every_place_changes_nothing() -> None:
    sent = [b"\x00\x00", b"a", b"\x00\x01\x00\x00", b"b" * 300]
    stream = b"".join(framed(message) for message in sent) + chunked(b"in three", [2, 3])
    expected = [*sent, b"in three"]
    for cut in range(len(stream) + 1):
        assert collected([stream[:cut], stream[cut:]]) == expected
    assert collected([stream[at : at + 1] for at in range(len(stream))]) == expected


@pytest.mark.parametrize("size", [1, 65_534, 65_535, 65_536, 131_070, 131_071, 1_000_000])
def test_a_message_of_any_length_is_framed_and_found(size: int) -> None:
    message = bytes(n % 251 for n in range(size))
    stream = framed(message) + framed(b"next")
    assert collected([stream[at : at + 50_000] for at in range(0, len(stream), 50_000)]) == [
        message,
        b"next",
    ]


def test_a_message_that_never_ends_is_not_kept_in_memory() -> None:
    piece = b"\xff\xff" + b"x" * 65_535
    with pytest.raises(TooCostly, match="larger than 1 MiB"):
        collected([piece] * 17, max_bytes=2**20)
