"""Interests in what is on watchlists, which change with the lists while somebody listens."""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace

from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.events import RETRACTIONS, Event, Line
from graph_api.domain.principals import Principal
from graph_api.domain.watchlists import Members
from graph_api.live.interests import Follows, Interest
from graph_api.schema.context import Context
from graph_api.services.telling import ACTORS
from graph_api.vault import watchlists
from graph_api.vault.vault import Vault

#: How many lists one filter may name.
MOST_LISTS: Final = 20
#: Where transfers name wallets and tokens.
OF_TRANSFERS: Final = ("sender", "recipient", "token")

#: From what is on the lists, and where events name such, to an interest; None for no lists.
Build = Callable[[frozenset[str] | None, tuple[str, ...]], Interest]


async def watched(
    context: Context,
    ids: Sequence[str] | None,
    *,
    principal: Principal,
    build: Build,
    fields: tuple[str, ...] = OF_TRANSFERS,
) -> Interest:
    """An interest in what is on the lists of the principal's workspace, now and as they change.

    What was on a list while somebody listened is still heard of when it is taken back. ``fields``
    are the properties in which events name wallets and tokens. Where ``ids`` is None, nothing is
    asked of lists.

    Raises: BadInput, NotFound.
    """
    if ids is None:
        return build(None, ())
    vault = context.part(Vault)
    if not 1 <= len(ids) <= MOST_LISTS:
        raise BadInput(f"`watchlists` takes 1 to {MOST_LISTS}; subscribe several times.")
    found = await watchlists.members(vault, principal, ids)
    for id in ids:
        if id not in found:
            raise NotFound(f"There is no watchlist {id[:60]}.")
    return _Watched(vault, tuple(ids), principal, build, fields).interest(found)


class _Watched:
    """The lists of one subscription, and everything that was ever on them meanwhile."""

    def __init__(
        self,
        vault: Vault,
        ids: tuple[str, ...],
        principal: Principal,
        build: Build,
        fields: tuple[str, ...],
    ) -> None:
        self._vault, self._ids, self._principal, self._build = vault, ids, principal, build
        self._revisions: dict[str, int] = {}
        self._ever = frozenset[str]()
        self._fields = fields

    def interest(self, found: dict[str, Members]) -> Interest:
        """The interest in what is on the lists."""
        self._revisions = {id: one.revision for id, one in found.items()}
        now = frozenset[str]().union(*map(_named, found.values()))
        self._ever |= now
        if ACTORS not in self._fields and any(one.actors for one in found.values()):
            self._fields = (*self._fields, ACTORS)
        everything, current = self._build(self._ever, self._fields), self._build(now, self._fields)

        def wanted(event: Event) -> bool:
            return (everything if event.topic in RETRACTIONS else current).wants(event)

        return replace(
            current if self._ever == now else replace(everything, test=wanted),
            private=True,
            follows=Follows(news=self._news(), again=self._again),
        )

    async def _again(self) -> Interest | None:
        found = await watchlists.by_ids(self._vault, self._principal, self._ids)
        if {id: one.revision for id, one in found.items()} == self._revisions:
            return None
        members = await watchlists.members(self._vault, self._principal, self._ids)
        return self.interest(members)

    def _news(self) -> Interest:
        workspace = self._principal.workspace
        return Interest(
            line=Line.WATCHLISTS,
            fields=("watchlist",),
            values=frozenset(self._ids),
            test=lambda event: event.body["workspace"] == workspace,
        )


def _named(members: Members) -> frozenset[str]:
    return members.wallets | members.tokens | members.actors
