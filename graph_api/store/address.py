"""Where a graph is, for those who only name one: this loads no driver."""

from typing import Literal

import msgspec

#: Who asks reads.
ReaderName = Literal["lean", "driver"]


class GraphAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a graph is and how to get in. The password never shows in a representation."""

    url: str
    user: str
    password: str
    database: str

    def __repr__(self) -> str:
        return f"GraphAddress({self.url!r}, user={self.user!r}, database={self.database!r})"
