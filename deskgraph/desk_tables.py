"""How ``deskgraph desks`` shows desks, entries of the registry and what became of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click
import msgspec
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from graph_api.domain.addresses import shown_address
from graph_api.domain.chains import EVM_CHAINS
from graph_api.domain.ids import AccountId, address_of, chain_of_id
from graph_api.store.desks import DeskRow
from graph_api.store.labels import LabelRow
from graph_api.store.records import moment
from graph_api.store.wallets import WalletRow
from graph_api.vault.desk_changes import DeskChange


def show_desks(rows: Sequence[DeskRow], *, as_json: bool) -> None:
    """A table of desks with what their wallets did."""
    if as_json:
        for row in rows:
            _line(
                msgspec.to_builtins(row.actor)
                | msgspec.to_builtins(row.activity)
                | {"validated": row.validated}
            )
        return
    table = Table(
        "actor", "name", "type", "registry", "wallets", "active", "in", "out", "last", box=None
    )
    for row in rows:
        done = row.activity
        table.add_row(
            Text(row.actor.id),
            Text(row.actor.name),
            row.actor.type,
            "yes" if row.actor.registered else "",
            f"{done.wallets:,}",
            f"{done.active_wallets:,}",
            f"{done.transfers_in:,}",
            f"{done.transfers_out:,}",
            _day(done.last_seen_at),
        )
    Console().print(table)


def show_entries(
    rows: Sequence[LabelRow], accounts: Mapping[str, Sequence[WalletRow]], *, as_json: bool
) -> None:
    """A table of an actor's labels with the ids that edits take."""
    if as_json:
        for row in rows:
            wallets = [wallet.id for wallet in accounts.get(row.id, ())]
            _line(msgspec.to_builtins(row) | {"accounts": wallets})
        return
    table = Table("id", "address", "label", "category", "confidence", "source", "since", box=None)
    for row in rows:
        table.add_row(
            Text(row.id, no_wrap=True),
            where([wallet.id for wallet in accounts.get(row.id, ())]),
            Text(row.label),
            row.category or "",
            f"{row.confidence:g}",
            Text(row.source),
            _day(row.learned_at),
        )
    Console().print(table, soft_wrap=True)


def show_changes(rows: Sequence[DeskChange], *, as_json: bool) -> None:
    """Who changed what, when and why."""
    if as_json:
        for row in rows:
            _line(msgspec.to_builtins(row))
        return
    console = Console()
    for row in rows:
        edit = row.edit
        console.print(
            f"{row.changed_at:%Y-%m-%d %H:%M:%S}Z  {row.principal}  {edit.action}  "
            f"{edit.actor_id}  {edit.account_id or ''}  ({row.id})",
            markup=False,
            soft_wrap=True,
        )
        for change in _differences(edit.before, edit.after):
            console.print(f"    {change}", markup=False, soft_wrap=True)
        console.print(f"    because: {edit.reason}", markup=False, soft_wrap=True)


def _differences(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[str]:
    """What an edit changed, a line each; of an addition or a withdrawal, its label."""
    if before is None or after is None:
        entry = after or before or {}
        return [f"label: {entry.get('label')}"]
    silent = {"id", "learned_at", "withdrawn_at"}
    return [
        f"{name}: {_said(name, before.get(name))} -> {_said(name, after.get(name))}"
        for name in sorted({*before, *after} - silent)
        if before.get(name) != after.get(name)
    ]


def _said(name: str, value: Any) -> str:
    if value is None:
        return "nothing"
    return _day(moment(value)) if name in ("valid_from", "valid_to") else str(value)


def where(accounts: Sequence[AccountId]) -> str:
    """The address as people write it, and on which chains."""
    if not accounts:
        return "nowhere"
    chain = chain_of_id(accounts[0])
    shown = shown_address(chain, address_of(accounts[0]))
    if len(accounts) == 1:
        return f"{chain.slug}:{shown}"
    if len(accounts) >= len(EVM_CHAINS):
        return f"{shown} on every EVM chain"
    return f"{shown} on {', '.join(chain_of_id(one).slug for one in accounts)}"


def _day(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d}"


def _line(row: Any) -> None:
    click.echo(orjson.dumps(row).decode())
