"""``deskgraph desks``: list the desk registry and edit it, with who, when and why on record."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import click
import msgspec

from deskgraph import connect
from deskgraph.desk_options import Day, Said, entry_options
from deskgraph.desk_tables import show_changes, show_desks, show_entries, where
from deskgraph.graph_commands import awaited
from graph_api.domain import registry
from graph_api.domain.categories import Category
from graph_api.domain.chains import Chain, chain_of
from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.ids import address_of, chain_of_id
from graph_api.domain.pages import Page
from graph_api.domain.principals import LOCAL
from graph_api.domain.records import Actor, ActorType, Label
from graph_api.services.desks import Desks
from graph_api.settings import Settings
from graph_api.store import actors, desks, labels
from graph_api.store.desks import DeskSource
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.vault import desk_changes
from graph_api.vault.desk_changes import MAX_REASON
from graph_api.vault.ids import new_id
from graph_api.vault.pages import First, Place
from graph_api.vault.vault import Vault
from ingest.jobs.marking import marking

_FAR: Final = 500


_reason = click.option(
    "--reason", required=True, help=f"Why, for the audit: 1 to {MAX_REASON} signs."
)
_change_id = click.option(
    "--change-id", help="Names this edit: the same edit with the same id again changes nothing."
)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group("desks")
def group() -> None:
    """The desk registry: who trades over the counter, and with which wallets."""


@group.command("list")
@click.argument("actor", required=False)
@click.option(
    "--source",
    type=click.Choice([word.value for word in DeskSource]),
    default=DeskSource.ALL.value,
    show_default=True,
    help="Listed by a desk registry, or shown at work by the database.",
)
@click.option("--validated", is_flag=True, help="Only those with transfers in the database.")
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice([word.value for word in ActorType]),
    help="Only of this type.",
)
@click.option("--as-of", type=Day(), help="As it was known, and held, on a day.")
@_json
@click.pass_obj
@awaited
async def list_command(
    settings: Settings,
    /,
    actor: str | None,
    source: str,
    validated: bool,
    types: tuple[str, ...],
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """List desks; with ACTOR, the labels of its wallets and their ids."""
    async with connect.current_graph(settings) as graph:
        at = as_of or connect.now()
        if actor is not None:
            await _list_entries(graph, actor.lower(), at=at, as_json=as_json)
            return
        page = Page(size=_FAR)
        while True:
            found = await desks.listed(
                graph,
                source=DeskSource(source),
                validated_only=validated,
                types=[ActorType(type) for type in types] or None,
                now=at,
                page=page,
            )
            show_desks(found.rows, as_json=as_json)
            if not found.more_after:
                return
            page = Page(size=_FAR, after=found.stopped_at or found.places[-1])


@group.command("add")
@click.argument("address")
@click.option("--actor", required=True, help="The actor's slug.")
@click.option("--name", help="The actor's name; needed for one that is not known yet.")
@click.option(
    "--type",
    "type_",
    type=click.Choice([word.value for word in ActorType]),
    help="What the actor does; needed for one that is not known yet.",
)
@click.option("--url", help="The actor's web site.")
@entry_options
@_reason
@_change_id
@click.pass_obj
@awaited
async def add_command(
    settings: Settings,
    /,
    address: str,
    actor: str,
    name: str | None,
    type_: str | None,
    url: str | None,
    reason: str,
    change_id: str | None,
    **said: Any,
) -> None:
    """Put ADDRESS of an actor into the registry."""
    entry = Said(**said)
    async with _registry(settings) as (graph, registered):
        owner = await _owner(graph, actor.strip().lower(), name=name, type=type_, url=url)
        wallet = entry.over(
            registry.Wallet(
                address=address,
                label=owner.name,
                category=_category_of(owner),
                actor=owner.id,
            )
        )
        now = connect.now()
        label = await registered.add(
            wallet,
            owner,
            chains=_chains(entry.chains),
            reason=reason,
            change_id=change_id or new_id(now),
            now=now,
        )
    click.echo(f"Added {label.id}: {label.label} ({owner.id}), {where(label.accounts)}.")


@group.command("correct")
@click.argument("label_id")
@click.option("--actor", help="The slug of the actor that it is, one that is known.")
@click.option("--address", help="Another address.")
@entry_options
@_reason
@_change_id
@click.pass_obj
@awaited
async def correct_command(
    settings: Settings,
    /,
    label_id: str,
    actor: str | None,
    address: str | None,
    reason: str,
    change_id: str | None,
    **said: Any,
) -> None:
    """Replace the entry LABEL_ID; what is not said anew stays. It remains what was known before."""
    entry = Said(**said)
    async with _registry(settings) as (graph, registered):
        before = await _label(graph, label_id)
        wallet = _wallet(before)
        if actor is not None:
            known = await actors.by_ids(graph, [actor.strip().lower()])
            if not known:
                raise NotFound(f"No actor has the slug {actor!r}; add one with its name and type.")
            wallet = msgspec.structs.replace(wallet, actor=next(iter(known)))
        if address is not None:
            wallet = msgspec.structs.replace(wallet, address=address)
        chains = _chains(entry.chains) or tuple(chain_of_id(one) for one in before.accounts)
        now = connect.now()
        label = await registered.correct(
            label_id,
            entry.over(wallet),
            chains=chains,
            reason=reason,
            change_id=change_id or new_id(now),
            now=now,
        )
    click.echo(f"Corrected {label_id}; it is {label.id} now: {label.label}.")


@group.command("withdraw")
@click.argument("label_id")
@_reason
@_change_id
@click.pass_obj
@awaited
async def withdraw_command(
    settings: Settings, /, label_id: str, reason: str, change_id: str | None
) -> None:
    """Take the entry LABEL_ID back from now on; loading its file again does not bring it back."""
    async with _registry(settings) as (_, registered):
        now = connect.now()
        label = await registered.withdraw(
            label_id, reason=reason, change_id=change_id or new_id(now), now=now
        )
    click.echo(f"Withdrew {label.id}: {label.label}, {where(label.accounts)}.")


@group.command("history")
@click.option("--actor", help="Only of this actor.")
@click.option("--account", help="Only of this CAIP-10 account.")
@click.option("--rows", type=click.IntRange(1, _FAR), default=20, show_default=True)
@click.option("--before", help="Only what was changed before the change of this id.")
@_json
@click.pass_obj
@awaited
async def history_command(
    settings: Settings,
    /,
    actor: str | None,
    account: str | None,
    rows: int,
    before: str | None,
    as_json: bool,
) -> None:
    """Say who changed what, when and why, the newest first."""
    async with _open_vault(settings) as vault:
        place = None
        if before is not None:
            change = await desk_changes.by_id(vault, LOCAL, before)
            if change is None:
                raise NotFound(f"No change of the registry has the id {before}.")
            place = Place(change.changed_at, change.id)
        found = await desk_changes.history(
            vault, LOCAL, First(rows, place), actor_id=actor, account_id=account
        )
    show_changes(found.rows, as_json=as_json)
    if found.older and not as_json:
        click.echo(f"There are older ones: deskgraph desks history --before {found.rows[-1].id}")


@asynccontextmanager
async def _registry(settings: Settings) -> AsyncIterator[tuple[Graph, Desks]]:
    """The graph, and the registry as whoever sits here may edit it.

    What API processes have kept is old when the block ends.
    """
    async with (
        connect.current_graph(settings) as graph,
        _open_vault(settings) as vault,
        marking(connect.bus_url(settings)),
    ):
        turn = Turn(graph, clock=connect.now, waiting=_waiting)
        try:
            yield graph, Desks(graph, vault, turn, LOCAL)
        finally:
            await turn.give_back()


@asynccontextmanager
async def _open_vault(settings: Settings) -> AsyncIterator[Vault]:
    """The vault at the schema of this program; a file of our own is migrated on the way."""
    if settings.vault.url is None:
        await connect.migrate_vault(settings)
    async with await Vault.open(settings.vault_url) as vault:
        await vault.check()
        yield vault


def _waiting(name: str) -> None:
    click.echo(f"Another process writes {name}; waiting for it to finish.", err=True)


async def _owner(
    graph: Graph, id: str, *, name: str | None, type: str | None, url: str | None
) -> Actor:
    """The actor of a new entry, as it is known or as the options describe it."""
    known = (await actors.by_ids(graph, [id])).get(id)
    described = known is not None and known.confidence > 0
    if known is None or not described:
        if name is None or type is None:
            raise BadInput(f"Nothing describes the actor {id!r} yet; add --name and --type.")
        return registry.actor_of(id, name, category=Category.OTHER, type=ActorType(type), url=url)
    return registry.actor_of(
        id,
        name or known.name,
        category=Category.OTHER,
        type=ActorType(type or known.type),
        url=url or known.url,
    )


def _category_of(actor: Actor) -> Category:
    words = Category.__members__
    return words.get(actor.type.name, Category.OTHER)


async def _label(graph: Graph, label_id: str) -> Label:
    label = await labels.label_by_id(graph, label_id)
    if label is None:
        raise NotFound(f"There is no label {label_id}; see `deskgraph desks list ACTOR`.")
    return label


def _wallet(label: Label) -> registry.Wallet:
    """The entry that a label was made of."""
    return registry.Wallet(
        address=address_of(label.accounts[0]),
        label=label.label,
        category=Category(label.category or Category.OTHER),
        actor=label.actor,
        confidence=label.confidence,
        source=label.source,
        source_url=label.source_url,
        valid_from=label.valid_from,
        valid_to=label.valid_to,
        note=label.note,
    )


def _chains(names: Sequence[str]) -> tuple[Chain, ...]:
    return tuple(chain_of(name) for name in names)


async def _list_entries(graph: Graph, actor: str, *, at: datetime, as_json: bool) -> None:
    if not await actors.by_ids(graph, [actor]):
        raise NotFound(f"No actor has the slug {actor!r}; see `deskgraph desks list`.")
    page = Page(size=_FAR)
    while True:
        found = (await labels.of_actors(graph, [actor], now=at, page=page))[actor]
        accounts = await labels.accounts_of(graph, [row.id for row in found.rows])
        show_entries(found.rows, accounts, as_json=as_json)
        if not found.more_after:
            return
        page = Page(size=_FAR, after=found.stopped_at or found.places[-1])
