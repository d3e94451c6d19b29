"""What can go wrong between the reader and a server, as exceptions that say what to do next."""

from typing import Any

from neo4j.exceptions import Neo4jError

from graph_api.domain.errors import TooCostly


class Lost(Exception):
    """The connection ended before the answer did; reading again elsewhere is safe."""


class Late(Exception):
    """The answer did not come in time; ``silent`` when nothing of it did."""

    def __init__(self, *, silent: bool) -> None:
        super().__init__()
        self.silent = silent


class NotOurs(Exception):
    """The reader does not know what it met: the official driver must ask this one."""


class Unspoken(NotOurs):
    """The server speaks no version that the reader knows: no later question will fare better."""


class Structured(NotOurs):
    """A node, a moment or another structure in the answer; the statement will bring more."""


class Surprise(NotOurs):
    """Bytes or messages that do not belong here; the connection cannot be trusted any more."""


class OutOfTime(TooCostly):
    """A statement took longer than it may."""

    def __init__(self) -> None:
        super().__init__("The query ran out of time; ask for less, or for a shorter window.")


class AnswerTooLarge(TooCostly):
    """The answer passes what one question may hold in memory."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"The answer is larger than {limit_bytes / 2**20:,.0f} MiB; ask for less, or in pages."
        )


def server_error(version: tuple[int, int], metadata: dict[str, Any]) -> Neo4jError:
    """A FAILURE as the exception that the official driver would raise for it."""
    if version >= (5, 7):
        return Neo4jError._hydrate_gql(**metadata)
    return Neo4jError._hydrate_neo4j(**metadata)
