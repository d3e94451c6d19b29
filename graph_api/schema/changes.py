"""Mutations, each declared once: one transaction of the vault, done once for each key.

``change`` stands to mutations as ``root`` does to queries. Whoever sends the same change with the
same ``idempotencyKey`` again gets the first answer and nothing happens twice, also when both come
at the same moment: the key is taken in the transaction that makes the change. What concerns the
graph or the world outside is put on record in that transaction as a job, which is done once too.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Any, Final, get_type_hints

import msgspec
import strawberry
from msgspec.structs import replace

from graph_api.domain.refusals import Refusal, RefusalReason, Refused
from graph_api.schema.arguments import Argument, keyword_only
from graph_api.schema.context import Context
from graph_api.schema.steps import PUBLIC, Access, root
from graph_api.vault import idempotency
from graph_api.vault.vault import Vault

#: The argument that every mutation has.
KEY: Final = "idempotency_key"

strawberry.enum(
    RefusalReason,
    description=(
        "Why a change was not made: what was given cannot be (BAD_INPUT), names what is not there "
        "(NOT_FOUND), takes a name that another one has (NAME_TAKEN), would remove what is used "
        "(IN_USE), or goes beyond a ceiling (TOO_MANY)."
    ),
)


@strawberry.type(
    name="Refusal", description="A change that was not made, for a reason that can be mended."
)
class RefusalAnswer:
    """Nothing has changed, and the change's idempotency key is free."""

    reason: RefusalReason = strawberry.field(description="What to branch on.")
    message: str = strawberry.field(description="What is wrong, in a sentence.")
    about: list[str] = strawberry.field(
        description="Ids or names of what is in the way, such as the rules that use a watchlist."
    )

    @classmethod
    def of(cls, found: Refusal) -> "RefusalAnswer":
        """As clients see it."""
        return cls(reason=found.reason, message=found.message, about=list(found.about))


def change(
    function: Callable[..., Awaitable[Any]],
    *,
    description: str,
    of: Callable[[Any], Any],
    access: Access = PUBLIC,
    arguments: Mapping[str, str | Argument] | None = None,
    shown_once: tuple[str, ...] = (),
    deprecated: str | None = None,
) -> Any:
    """A field of the mutation.

    ``function(door, **arguments)`` makes the change; ``door`` is the transaction (``Door``), or the
    ``Context`` with it in the vault's place. What others are to hear of when the change is on
    record goes into ``context.afterwards``. It answers a struct, which ``of`` turns into the
    field's type and which is kept with the key. Everything else is as in ``root``.

    Args:
        shown_once: Properties of the answer that are not kept: who asks again finds null there.
    """
    return root(
        _once(function, shown_once),
        of=of,
        access=access,
        arguments={**(arguments or {}), KEY: _KEY},
        deprecated=deprecated,
        description=description,
    )


def change_or_refusal(
    function: Callable[..., Awaitable[Any]],
    *,
    description: str,
    of: Callable[[Any], Any],
    access: Access = PUBLIC,
    arguments: Mapping[str, str | Argument] | None = None,
    shown_once: tuple[str, ...] = (),
) -> Any:
    """The same for a field whose type is a union with ``Refusal``: what ``function`` refuses
    (``Refused``) is answered there.
    """

    def answer(found: Any) -> Any:
        return RefusalAnswer.of(found) if isinstance(found, Refusal) else of(found)

    return root(
        _refusing(_once(function, shown_once)),
        of=answer,
        access=access,
        arguments={**(arguments or {}), KEY: _KEY},
        description=description,
    )


def _once(
    function: Callable[..., Awaitable[Any]], shown_once: tuple[str, ...]
) -> Callable[..., Awaitable[Any]]:
    """The change in a transaction of its own, which takes its key."""
    wanted = tuple(keyword_only(function))
    part = next(iter(get_type_hints(function).values()))
    answer_type = get_type_hints(function)["return"]
    name = f"{function.__module__}.{function.__name__}"

    async def once(context: Context, **given: Any) -> Any:
        key, principal, now = given.pop(KEY), context.principal, context.now
        async with context.part(Vault).together() as door:
            if key is not None:
                known = await idempotency.begin(
                    door, principal, key, mutation=name, fingerprint=_fingerprint(given), now=now
                )
                if known is not None:
                    return msgspec.convert(known.value, answer_type)
            inner = context.within(door)
            injected = {"principal": principal, "now": now}
            arguments = {one: injected[one] if one in injected else given[one] for one in wanted}
            answer = await function(inner if part is Context else door, **arguments)
            if key is not None:
                kept = replace(answer, **dict.fromkeys(shown_once)) if shown_once else answer
                await idempotency.keep(door, principal, key, answer=msgspec.to_builtins(kept))
        for what in inner.afterwards:
            await what()
        return answer

    _signed(once, _parameters(function), answer_type)
    return once


def _refusing(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def tried(context: Context, **given: Any) -> Any:
        # The transaction has ended when the refusal comes by: nothing of it is left.
        try:
            return await function(context, **given)
        except Refused as error:
            return Refusal.of(error)

    own = [one for one in inspect.signature(function).parameters.values() if one.name != "context"]
    _signed(tried, own, function.__annotations__["return"] | Refusal)
    return tried


def _parameters(function: Callable[..., Awaitable[Any]]) -> list[inspect.Parameter]:
    own = keyword_only(function)
    asked = [one for name, one in own.items() if name not in ("principal", "now")]
    key = inspect.Parameter(
        KEY, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=str | None
    )
    return [*asked, key]


def _signed(
    function: Callable[..., Awaitable[Any]], parameters: list[inspect.Parameter], answer: Any
) -> None:
    """Let ``function`` say what it takes, as declarations read it."""
    context = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Context
    )
    function.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]
    hints = {one.name: one.annotation for one in (context, *parameters)}
    function.__annotations__ = hints | {"return": answer}


def _fingerprint(given: Mapping[str, Any]) -> str:
    """Equal for equal arguments."""
    text = msgspec.json.encode(given, enc_hook=str, order="sorted")
    return blake2b(text, digest_size=16).hexdigest()


_KEY: Final = Argument(
    "A word of your own for this one change, such as a UUID, up to 200 characters. The same change "
    "with the same key again, within 24 hours, gives the first answer and changes nothing."
)

__all__ = ["KEY", "RefusalAnswer", "change", "change_or_refusal"]
