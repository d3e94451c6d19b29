"""Watchlists: named lists of wallets, tokens and actors that a workspace keeps an eye on.

What is on a list is named in its normal form: CAIP-10 accounts, CAIP-19 tokens, ids of actors.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import parse_account, parse_token
from graph_api.domain.refusals import Refused

#: How many lists a workspace may have, and how much may be on one.
MAX_LISTS: Final = 200
MAX_ENTRIES: Final = 10_000
#: How much may be added or removed at once.
MAX_AT_ONCE: Final = 1_000
MAX_NAME: Final = 100
MAX_NOTE: Final = 2_000
_LONGEST_ACTOR: Final = 200


class EntryKind(StrEnum):
    """What an entry of a list names."""

    WALLET = "wallet"
    TOKEN = "token"  # noqa: S105
    ACTOR = "actor"


class Watchlist(msgspec.Struct, frozen=True, kw_only=True):
    """A list of a workspace; ``principal`` made it.

    Args:
        revision: Grows whenever its name or what is on it changes.
        published_at: Since when the graph is to tell of it; None where it is not.
        published_revision: The revision that the graph tells of; None where it tells of none.
    """

    id: str
    workspace: str
    principal: str
    name: str
    note: str | None = None
    created_at: datetime
    changed_at: datetime
    revision: int = 1
    published_at: datetime | None = None
    published_revision: int | None = None


class Named(msgspec.Struct, frozen=True):
    """What an entry names."""

    kind: EntryKind
    key: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Something on a list; ``principal`` put it there."""

    kind: EntryKind
    key: str
    note: str | None = None
    added_at: datetime
    principal: str

    @property
    def named(self) -> Named:
        """What it names."""
        return Named(self.kind, self.key)


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """What is on a list at one revision of it."""

    revision: int
    wallets: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()


def named(kind: EntryKind, key: str) -> Named:
    """The entry's name in its normal form. Raises: BadInput."""
    if kind is EntryKind.WALLET:
        return Named(kind, parse_account(key))
    if kind is EntryKind.TOKEN:
        return Named(kind, parse_token(key))
    bare = key.strip()
    if not 1 <= len(bare) <= _LONGEST_ACTOR or not bare.isprintable():
        raise BadInput(f"The id of an actor has 1 to {_LONGEST_ACTOR} printable characters.")
    return Named(kind, bare)


def checked_name(text: str, *, of: str) -> str:
    """A name on one line. Raises: Refused."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise Refused(f"The name of {of} has 1 to {MAX_NAME} printable characters.")
    return name


def checked_note(text: str | None) -> str | None:
    """A note, None where nothing is said. Raises: Refused."""
    note = (text or "").strip()
    if len(note) > MAX_NOTE:
        raise Refused(f"A note has up to {MAX_NOTE:,} characters.")
    return note or None
