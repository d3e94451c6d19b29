"""What one body tells, block by block, whoever sent it."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain.amounts import MAX_RAW
from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import ChainId
from graph_api.domain.records import Block, Record, Reject

_DECIMAL: Final = re.compile(r"[0-9]{1,78}")
_HEX: Final = re.compile(r"0[xX][0-9a-fA-F]{0,64}")


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What a body tells of one block.

    ``confirmed`` says that the sender vouches for it, ``removed`` that the block is no longer in
    its chain. ``said_at`` is when the sender said so, where it tells.
    """

    chain: ChainId
    number: int
    hash: str | None = None
    time: int | None = None
    confirmed: bool = False
    removed: bool = False
    said_at: datetime | None = None
    records: tuple[Record, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a body tells.

    ``rejects`` are its parts that cannot be read, and why: somebody has to look at the body.
    ``left_out`` is what its sender never tells enough of, so that looking would not help.
    """

    pages: tuple[Page, ...] = ()
    rejects: tuple[Reject, ...] = ()
    left_out: tuple[Reject, ...] = ()


def page(
    chain: Chain,
    number: int,
    records: Iterable[Record],
    *,
    hash: str | None,
    time: int | None,
    confirmed: bool = False,
    said_at: datetime | None = None,
) -> Page:
    """A page with the block's own record in front."""
    block = Block(chain=ChainId(chain.id), number=number, hash=hash, time=time)
    return Page(
        chain=ChainId(chain.id),
        number=number,
        hash=hash,
        time=time,
        confirmed=confirmed,
        said_at=said_at,
        records=(block, *records),
    )


def whole(told: str | int) -> int:
    """A number as senders write it: decimal digits, or ``0x`` and hex. Raises: BadInput."""
    text = str(told)
    number = None
    if _DECIMAL.fullmatch(text):
        number = int(text)
    elif _HEX.fullmatch(text):
        number = int(text[2:] or "0", 16)
    if number is None or number > MAX_RAW:
        raise BadInput(f"{text[:40]!r} is no whole number of 256 bits.")
    return number


def text_of(told: object) -> str:
    """Something that could not be read, as a reject shows it."""
    return msgspec.json.encode(told).decode(errors="replace")[:500]
