"""Subscriptions, each declared once: which events a field wants, and what becomes of one.

``feed`` stands to subscriptions as ``root`` does to queries. The declaration is kept in the field's
``metadata``; the server matches, executes and sends for all subscribers together.
"""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Annotated, Any, Final

import strawberry
from strawberry.types.field import StrawberryField

from graph_api.domain.errors import BadInput
from graph_api.live.hub import Told
from graph_api.live.interests import Interest
from graph_api.schema.arguments import Argument, all_parameters, described, keyword_only, plain
from graph_api.schema.context import Context
from graph_api.schema.steps import Info

#: Where a field's ``metadata`` holds its declaration.
FEED: Final = "feed"
#: The argument that every feed has.
AFTER: Final = "after"

_INJECTED: Final = ("now", "principal")


@dataclass(frozen=True, eq=False, kw_only=True)
class FeedField:
    """One declaration.

    Args:
        interest: From the field's arguments to the events that are wanted.
        of: From an event to the field's type.
        part: What the function's first parameter wants of the context; None where it has none.
        facts: Properties of events that selected fields need, beyond what events say.
        shared: Whether the same arguments want the same events for everybody.
        passed: Arguments that the function takes.
        injected: Parameters that the context fills.
    """

    interest: Callable[..., Interest | Awaitable[Interest]]
    of: Callable[[Told], Any]
    part: type[Any] | None
    facts: Mapping[str, str]
    shared: bool
    passed: tuple[str, ...]
    injected: tuple[str, ...]

    async def wanted(self, context: Context, given: Mapping[str, Any]) -> Interest:
        """The events that the arguments ask for. Raises: GraphApiError."""
        arguments = {name: plain(given[name]) for name in self.passed if name in given}
        for name in self.injected:
            arguments[name] = getattr(context, name)
        doors = () if self.part is None else (context.part(self.part),)
        found = self.interest(*doors, **arguments)
        return await found if isawaitable(found) else found


def feed(
    interest: Callable[..., Interest | Awaitable[Interest]],
    *,
    of: Callable[[Told], Any],
    description: str,
    arguments: Mapping[str, str | Argument] | None = None,
    facts: Mapping[str, str] | None = None,
    shared: bool | None = None,
    deprecated: str | None = None,
) -> Any:
    """A field of the subscription: its arguments become an interest, each event becomes ``of``.

    ``interest(**arguments)`` says which events are wanted; it may start from a part of the context
    (the graph, the vault) as functions of steps do, and take ``now`` and ``principal``. Its
    keyword-only parameters are the field's arguments; ``after`` is added.

    ``facts`` names for selected fields what they need of events beyond what these say. ``shared``
    says that equal arguments want the same events whoever asks; so it is without being said where
    the function sees nothing but them.
    """
    own = keyword_only(interest)
    doors = [one for name, one in all_parameters(interest).items() if name not in own]
    injected = tuple(name for name in own if name in _INJECTED)
    declared = FeedField(
        interest=interest,
        of=of,
        part=doors[0].annotation if doors else None,
        facts=facts or {},
        shared=not doors and not injected if shared is None else shared,
        passed=tuple(name for name in own if name not in _INJECTED),
        injected=injected,
    )
    parameters = [described(own[name], arguments or {}) for name in declared.passed]
    return strawberry.subscription(
        resolver=_resolver([*parameters, _AFTER]),
        description=description,
        deprecation_reason=deprecated,
        metadata={FEED: declared},
    )


def feed_of(field: StrawberryField) -> FeedField | None:
    """The declaration of a field, if it is a feed."""
    return field.metadata.get(FEED)


def _resolver(parameters: list[inspect.Parameter]) -> Callable[..., Any]:
    async def listen(root: object, info: Info, **given: Any) -> AsyncGenerator[Any]:
        # Feeds are matched and executed for all together; nothing executes one by itself.
        raise BadInput("This is subscribed to over a WebSocket, or as a stream of events.")
        yield

    ours = [
        inspect.Parameter("root", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Any),
        inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
    ]
    listen.__signature__ = inspect.Signature([*ours, *parameters])  # type: ignore[attr-defined]
    return listen


_AFTER: Final = inspect.Parameter(
    AFTER,
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        str | None,
        strawberry.argument(
            description=(
                "The `cursor` of the last item that was dealt with: goes on behind it, without "
                "loss or double. What happens from now on when not given."
            )
        ),
    ],
)

__all__ = ["AFTER", "FEED", "Argument", "FeedField", "feed", "feed_of"]
