"""When a destination of notices is left alone."""

import re
from datetime import time
from typing import Final

import strawberry

from graph_api.domain.errors import BadInput
from graph_api.domain.quiet_hours import WEEK, Afterwards, QuietHours, Weekday

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")

strawberry.enum(Weekday, description="A day of the week.")
strawberry.enum(
    Afterwards,
    name="AfterQuietHours",
    description=(
        "How what was held back goes out when quiet hours end: all TOGETHER in one notice, or EACH "
        "in its own."
    ),
)


@strawberry.type(name="QuietHours", description="When a destination is left alone.")
class QuietHoursAnswer:
    """By the clocks of a place."""

    zone: str = strawberry.field(description="IANA name of its time zone.")
    days: list[Weekday] = strawberry.field(description="The days on which they begin.")
    begins: str = strawberry.field(description="When they begin, such as `22:00`.")
    ends: str = strawberry.field(
        description="When they end, such as `07:00`; on the next day where that is not later."
    )
    critical_passes: bool = strawberry.field(description="Whether critical alerts are sent.")
    afterwards: Afterwards = strawberry.field(description="How what was held back goes out.")

    @classmethod
    def of(cls, hours: QuietHours) -> "QuietHoursAnswer":
        """As clients see them."""
        return cls(
            zone=hours.zone,
            days=list(hours.days),
            begins=f"{hours.begins:%H:%M}",
            ends=f"{hours.ends:%H:%M}",
            critical_passes=hours.critical_passes,
            afterwards=hours.afterwards,
        )


@strawberry.input(description="When a destination is to be left alone.")
class QuietHoursInput:
    """By the clocks of a place."""

    zone: str = strawberry.field(description="IANA name, such as `Europe/Zurich`.")
    days: list[Weekday] = strawberry.field(
        default_factory=lambda: list(WEEK), description="The days on which they begin."
    )
    begins: str = strawberry.field(description="When they begin, such as `22:00`.")
    ends: str = strawberry.field(
        description="When they end, such as `07:00`; on the next day where that is not later."
    )
    critical_passes: bool = strawberry.field(
        default=True, description="Whether critical alerts are sent all the same."
    )
    afterwards: Afterwards = strawberry.field(
        default=Afterwards.TOGETHER, description="How what was held back goes out."
    )

    def asked(self) -> QuietHours:
        """The hours."""
        return QuietHours(
            zone=self.zone,
            days=tuple(self.days),
            begins=_time(self.begins),
            ends=_time(self.ends),
            critical_passes=self.critical_passes,
            afterwards=self.afterwards,
        )


def _time(text: str) -> time:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise BadInput(f"{text[:20]!r} is no time of the day; write it as 22:00.")
    return time(int(found[1]), int(found[2]))
