"""Why a change was not made, where the one who asked can mend it: a word, a sentence, and names."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from graph_api.domain.errors import BadInput


class RefusalReason(StrEnum):
    """What a client may branch on."""

    BAD_INPUT = "BAD_INPUT"
    NOT_FOUND = "NOT_FOUND"
    NAME_TAKEN = "NAME_TAKEN"
    IN_USE = "IN_USE"
    TOO_MANY = "TOO_MANY"


class Refused(BadInput):
    """A change that was not made; ``about`` are ids, names or keys of what is in the way."""

    def __init__(
        self,
        message: str,
        *,
        reason: RefusalReason = RefusalReason.BAD_INPUT,
        about: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.reason, self.about = reason, tuple(about)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The same as something to answer."""

    reason: RefusalReason
    message: str
    about: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: Refused) -> "Refusal":
        """What the error says."""
        return cls(reason=error.reason, message=str(error), about=error.about)
