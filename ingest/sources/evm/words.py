"""32-byte words of the contract ABI: how logs carry addresses and numbers.

Source: the Solidity contract ABI specification, "Formal specification of the encoding".
"""

import re
from collections.abc import Sequence
from typing import Final

from graph_api.domain.errors import BadInput

_WORD: Final = 64
_WORD_BYTES: Final = 32
#: Names of tokens are shown in tables; what is longer is an advertisement.
_LONGEST_TEXT: Final = 128
_HEX: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_TOPIC: Final = re.compile(r"0x[0-9a-fA-F]{64}")
_ADDRESS_PADDING: Final = "0x" + "0" * 24


def unsigned(text: str) -> int:
    """The number in ``0x`` text. Raises: ValueError."""
    number = int(text, 16)
    # Python reads a sign, too; in answers it has no place.
    if number < 0:
        raise ValueError(f"{text[:70]!r} has a sign.")
    return number


def word(data: str, index: int) -> int:
    """The word at ``index`` of ``data`` (0x…) as a uint256. Raises: ValueError."""
    start = 2 + index * _WORD
    return unsigned(data[start : start + _WORD])


def signed(data: str, index: int) -> int:
    """The word at ``index`` of ``data`` as an int256."""
    number = word(data, index)
    return number - 2**256 if number >= 2**255 else number


def address(topic: str) -> str | None:
    """The address in a topic; None where the topic holds something wider."""
    return "0x" + topic[26:].lower() if topic.startswith(_ADDRESS_PADDING) else None


def words(data: str) -> int:
    """How many whole words ``data`` has. -1 when it ends within one."""
    count, rest = divmod(len(data) - 2, _WORD)
    return count if rest == 0 else -1


def text_of(data: str) -> str | None:
    """The text that a call returned: a ``string``, or the 32 bytes that early tokens fill up with
    NULs. None where it is no text that people could read.
    """
    try:
        held = bytes.fromhex(data[2:])
    except ValueError:
        return None
    if len(held) > _WORD_BYTES:
        start = int.from_bytes(held[:_WORD_BYTES])
        size = int.from_bytes(held[start : start + _WORD_BYTES])
        begin = start + _WORD_BYTES
        if start % _WORD_BYTES or begin > len(held) or size > len(held) - begin:
            return None
        held = held[begin : begin + size]
    try:
        text = held.decode().replace("\x00", "").strip()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() and 0 < len(text) <= _LONGEST_TEXT else None


def checked_data(text: str) -> str:
    """The data of a log. Raises: BadInput when it is no hex."""
    if text and not _HEX.fullmatch(text):
        raise BadInput(f"Log data {text[:60]!r} is no hex of whole bytes.")
    return text or "0x"


def topics_of(cell: str | Sequence[str]) -> list[str]:
    """Topics from a list, or from text that separates them with anything (``0x…,0x…``).

    Raises: BadInput when one has not 32 bytes.
    """
    topics = re.findall(r"[^\s,\[\]'\"]+", cell) if isinstance(cell, str) else list(cell)
    for topic in topics:
        if not isinstance(topic, str) or not _TOPIC.fullmatch(topic):
            raise BadInput(f"Topic {str(topic)[:80]!r} of a log is no word of 32 bytes.")
    return topics
