"""Calls and events as contracts encode them."""

from functools import cache
from typing import NamedTuple

from eth_utils.crypto import keccak


class Event(NamedTuple):
    """One log entry."""

    address: str
    topics: tuple[str, ...]
    data: str


@cache
def selector(signature: str) -> str:
    """The four bytes that choose a function."""
    return "0x" + keccak(text=signature)[:4].hex()


@cache
def topic(signature: str) -> str:
    """The first topic of an event."""
    return "0x" + keccak(text=signature).hex()


def word(value: int | str) -> str:
    """32 bytes (hex) of a number, negative ones as two's complement, or of an address."""
    return f"{int(value, 16) if isinstance(value, str) else value % 2**256:064x}"


def call(signature: str, *values: int | str) -> str:
    """The input of a call whose arguments are all single words."""
    return selector(signature) + "".join(map(word, values))


def call_with_lists(signature: str, first: str, *lists: list[str] | list[int]) -> str:
    """The input of a call of one word and lists: offsets first, then each list after its length."""
    head, tail = [word(first)], ""
    for values in lists:
        head.append(word(32 * (1 + len(lists)) + len(tail) // 2))
        tail += word(len(values)) + "".join(map(word, values))
    return selector(signature) + "".join(head) + tail


def event(address: str, signature: str, indexed: tuple[str, ...], *values: int) -> Event:
    """A log of ``address``: ``indexed`` addresses as topics, ``values`` as data."""
    topics = (topic(signature), *("0x" + word(value) for value in indexed))
    return Event(address, topics, "0x" + "".join(map(word, values)))
