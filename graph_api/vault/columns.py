"""How moments, words and documents rest alike in SQLite and in PostgreSQL."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from graph_api.domain.errors import BadInput

# A JSON escape of U+0000: an even number of backslashes, then the escape itself.
_NUL_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_NO_NUL = "Text in the vault must not contain the character U+0000."


class Moment(TypeDecorator[datetime]):
    """An aware time, kept in UTC to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without zone; SQLite keeps the UTC wall clock, which sorts as text."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone.")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The same moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text that both databases can keep: any Unicode but U+0000 and lone surrogates."""

    impl = Text()
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Refuse what one of the two could not give back."""
        if value is not None:
            _refuse_surrogates(value)
            if "\0" in value:
                raise BadInput(_NO_NUL)
        return value


Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON value; ``None`` is no document."""


def encode_document(value: Any) -> str:
    """JSON that both databases can keep, exact for integers of any size."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise BadInput(f"A document in the vault must be plain JSON: {error}.") from error
    _refuse_surrogates(text)
    if _NUL_ESCAPE.search(text):
        raise BadInput(_NO_NUL)
    return text


def as_kept(value: Any) -> Any:
    """``value`` as it will be read again: JSON has lists for tuples and words for every key."""
    return json.loads(encode_document(value))


def _refuse_surrogates(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput("Text in the vault must be valid Unicode.") from error
