"""What an entry of the desk registry says, as options of ``deskgraph desks``."""

from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from graph_api.domain import registry
from graph_api.domain.categories import Category
from graph_api.domain.errors import BadInput
from graph_api.domain.labels import CONFIDENCE


class Day(click.ParamType[datetime]):
    """A day (its first moment, UTC) or a moment with its zone."""

    name = "day"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The moment in UTC."""
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; write it as 2024-05-01 or 2024-05-01T12:00:00Z.")
        if found.tzinfo is None and len(value) > len("2024-05-01"):
            self.fail(f"{value!r} has no zone; end it with Z for UTC, or with +02:00.")
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def entry_options(command: Any) -> Any:
    """What an entry says; each is an option of its own."""
    for option in reversed(
        (
            click.option("--label", help="What the wallet is called; by default the actor's name."),
            click.option(
                "--category",
                type=click.Choice([word.value for word in Category]),
                metavar="WORD",
                help="What it is used for, as in docs/labels.md; by default the actor's type.",
            ),
            click.option(
                "--chain",
                "chains",
                multiple=True,
                help="Its chain; may be given again. An EVM address without one is on all of them.",
            ),
            click.option(
                "--confidence",
                help="A fraction above 0 and up to 1, or a level such as `ownership`.",
            ),
            click.option("--source-url", help="Where it can be read."),
            click.option("--valid-from", type=Day(), help="It holds from this day on."),
            click.option("--valid-to", type=Day(), help="It holds until before this day."),
            click.option("--note", help="Shown beside the label."),
        )
    ):
        command = option(command)
    return command


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What the options of an entry say; None where one is not given."""

    label: str | None
    category: str | None
    chains: tuple[str, ...]
    confidence: str | None
    source_url: str | None
    valid_from: datetime | None
    valid_to: datetime | None
    note: str | None

    def over(self, wallet: registry.Wallet) -> registry.Wallet:
        """``wallet`` with everything that was said in the place of what it had."""
        given = {
            "label": self.label,
            "category": None if self.category is None else Category(self.category),
            "confidence": None if self.confidence is None else _confidence(self.confidence),
            "source_url": self.source_url,
            "valid_from": _ms(self.valid_from),
            "valid_to": _ms(self.valid_to),
            "note": self.note,
        }
        return msgspec.structs.replace(
            wallet, **{name: value for name, value in given.items() if value is not None}
        )


def _confidence(text: str) -> float:
    level = CONFIDENCE.get(text)
    if level is not None:
        return level
    try:
        return float(text)
    except ValueError:
        raise BadInput(
            f"{text!r} is no confidence; write a fraction or one of {', '.join(CONFIDENCE)}."
        ) from None


def _ms(day: datetime | None) -> int | None:
    return None if day is None else round(day.timestamp() * 1000)
