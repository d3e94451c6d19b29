"""What a follower asks of a chain's node, whatever the chain."""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from graph_api.domain.chains import Chain
from graph_api.domain.errors import GraphApiError
from graph_api.domain.records import Record, Reject


class BlockRef(msgspec.Struct, frozen=True, kw_only=True):
    """A block's place in its chain; ``number`` is a slot on Solana, ``time`` epoch milliseconds."""

    number: int
    hash: str
    parent_hash: str
    time: int


class BlockFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one block says; ``rejects`` are what could not be decoded, and why."""

    ref: BlockRef
    records: tuple[Record, ...]
    rejects: tuple[Reject, ...] = ()


class Reorged(GraphApiError):
    """The chain changed while it was read: look for the fork, and read again."""


class ChainSource(Protocol):
    """One chain as its nodes tell it; every answer is checked before it is believed.

    All raise UpstreamUnavailable when no healthy endpoint is left.
    """

    chain: Chain

    async def head(self) -> BlockRef:
        """The newest block."""
        ...

    async def final(self) -> int | None:
        """The newest block that the chain itself calls final; None where it does not say."""
        ...

    async def ref(self, number: int) -> BlockRef | None:
        """The block at ``number`` as the chain stands now; None beyond the head or if skipped."""
        ...

    def blocks(self, first: int, last: int) -> AsyncIterator[BlockFacts]:
        """The blocks ``first..last`` in order, each linked to the one before it.

        Raises: Reorged when one of them is not the parent of the next.
        """
        ...

    def heads(self) -> AsyncIterator[BlockRef]:
        """Newest blocks as they come; one may be lower than the one before."""
        ...

    async def close(self) -> None:
        """Give all connections back."""
        ...
