"""What one account did, whoever tells it: newest first, in stretches that are told whole."""

from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

import msgspec

from graph_api.domain.chains import Chain
from graph_api.domain.ids import AccountId
from graph_api.domain.records import Record, Reject
from graph_api.domain.wallet_loads import Part


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an account did in the blocks ``first..last``.

    ``hashes`` are those of blocks that the source names so; ``rejects`` is what could not be read.
    ``accounts`` are addresses that were found to act for the account, to be remembered.
    """

    first: int
    last: int
    records: tuple[Record, ...] = ()
    rejects: tuple[Reject, ...] = ()
    hashes: Mapping[int, str] = {}
    accounts: tuple[str, ...] = ()


class HistorySource(Protocol):
    """Tells one part of the histories of a chain's accounts.

    All raise UpstreamUnavailable when nobody is left to ask.
    """

    chain: Chain
    part: Part
    #: What people call it; never a whole address, which may hold a key.
    name: str
    #: Whether more blocks cost more; where an index has few entries for many blocks, they do not.
    counts_blocks: bool
    #: What it cannot tell of an account, in a sentence for people; None where that is nothing.
    unseen: str | None

    @property
    def calls(self) -> int:
        """How many calls it has sent so far, as its provider counts them."""
        ...

    async def settled(self) -> int:
        """The newest block that does not change any more."""
        ...

    def told(self, account: AccountId, first: int, last: int) -> AsyncGenerator[Told]:
        """What ``account`` did in the blocks ``first..last``, the newest stretch first; whoever
        has enough stops.
        """
        ...
