"""What a kind of rule is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from graph_api.analysis.alert_rules.facts import Fact, Known
from graph_api.domain.alerts import Condition, Finding

C = TypeVar("C", bound=Condition)
#: What happens: one of ``happenings.Happening``.
H = TypeVar("H")


class Counted(NamedTuple):
    """What a happening adds to a window, in millionths of a dollar."""

    subject: str
    micros: int


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[C, H]):
    """A kind of rule: which condition it has, what it judges and how.

    Args:
        needs: What has to be known to judge by a condition.
        may: Whether a condition may be met, by what the happening itself says: cheap, and never
            False where ``judge`` finds something.
        judge: What it finds, from the happening and what was known when it happened.
        quiet_s: How long one finding speaks for those that follow, whatever the rule's cool-down.
        counts: For kinds that sum up within a window: under which name, and how much.
    """

    condition: type[C]
    happening: type[H]
    needs: Callable[[C], frozenset[Fact]]
    may: Callable[[C, H], bool]
    judge: Callable[[C, H, Known], Finding | None]
    quiet_s: Callable[[C], int] = lambda _: 0
    counts: Callable[[C, H, Known], "Counted | None"] = lambda *_: None

    def judges(self, happening: object) -> bool:
        """Whether it is about such happenings."""
        return type(happening) is self.happening


AnyKind = Kind[Any, Any]
