"""Editing the desk registry: the claim in the graph and who, when and why in the vault."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from graph_api.domain import registry
from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput, NotFound
from graph_api.domain.principals import Principal
from graph_api.domain.records import Actor, Label
from graph_api.store import labels
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.store.ledger.writer import leases_needed
from graph_api.store.unbroken import unbroken
from graph_api.vault import desk_changes
from graph_api.vault.desk_changes import DeskAction, Edit
from graph_api.vault.vault import Vault

#: More labels than one wallet ever has.
_HELD: Final = 1_000


class Desks:
    """The registry as one principal edits it. ``change_id`` names an edit: repeat it at will."""

    def __init__(self, graph: Graph, vault: Vault, turn: Turn, principal: Principal) -> None:
        self._graph, self._vault, self._turn, self._principal = graph, vault, turn, principal

    async def add(
        self,
        wallet: registry.Wallet,
        actor: Actor,
        *,
        chains: Sequence[Chain],
        reason: str,
        change_id: str,
        now: datetime,
    ) -> Label:
        """Put an address into the registry. Raises: BadInput."""
        label = registry.add(wallet, chains=chains, at=_ms(now))
        done = await self._done(DeskAction.ADD, change_id, of=label.id, reason=reason)
        if done is not None:
            return done
        if await self._stands(label, now):
            raise BadInput(f"{wallet.address} is in the registry already, as {label.label!r}.")
        label = await self._claimable(label, now)
        edit = Edit(
            action=DeskAction.ADD,
            actor_id=actor.id,
            account_id=label.accounts[0],
            after=_entry(label),
            reason=reason,
        )
        await self._change(edit, (actor, label), change_id=change_id, now=now)
        return label

    async def correct(
        self,
        label_id: str,
        wallet: registry.Wallet,
        *,
        chains: Sequence[Chain],
        reason: str,
        change_id: str,
        now: datetime,
    ) -> Label:
        """Replace a claim by another; the old one stays as what was known before.

        Raises: NotFound, BadInput.
        """
        done = await self._done(DeskAction.CORRECT, change_id, of=label_id, reason=reason)
        if done is not None:
            return done
        before = await self._label(label_id)
        withdrawn, new = registry.correct(before, wallet, chains=chains, at=_ms(now))
        new = await self._claimable(new, now)
        edit = Edit(
            action=DeskAction.CORRECT,
            actor_id=wallet.actor or before.actor or "",
            account_id=before.accounts[0],
            before=_entry(before),
            after=_entry(new),
            reason=reason,
        )
        await self._change(edit, (withdrawn, new), change_id=change_id, now=now)
        return new

    async def withdraw(self, label_id: str, *, reason: str, change_id: str, now: datetime) -> Label:
        """Take a claim back from now on. Raises: NotFound, BadInput."""
        done = await self._done(DeskAction.WITHDRAW, change_id, of=label_id, reason=reason)
        if done is not None:
            return done
        before = await self._label(label_id)
        withdrawn = registry.withdraw(before, at=_ms(now))
        edit = Edit(
            action=DeskAction.WITHDRAW,
            actor_id=before.actor or "",
            account_id=before.accounts[0],
            before=_entry(before),
            reason=reason,
        )
        await self._change(edit, (withdrawn,), change_id=change_id, now=now)
        return withdrawn

    async def _label(self, label_id: str) -> Label:
        label = await labels.label_by_id(self._graph, label_id)
        if label is None:
            raise NotFound(f"There is no label {label_id}; see `deskgraph desks list`.")
        return label

    async def _change(
        self, edit: Edit, records: Sequence[Actor | Label], *, change_id: str, now: datetime
    ) -> None:
        await self._turn.hold(leases_needed(records))
        await unbroken(self._commit(edit, records, change_id=change_id, now=now))
        await self._turn.give_back()

    async def _commit(
        self, edit: Edit, records: Sequence[Actor | Label], *, change_id: str, now: datetime
    ) -> None:
        # The audit is committed only after the graph has the change, and a repeated edit changes
        # neither: no order of crashes leaves an edit without its author for good.
        async with self._vault.together() as door:
            await desk_changes.record(door, self._principal, edit, id=change_id, now=now)
            await self._turn.write(records)

    async def _done(
        self, action: DeskAction, change_id: str, *, of: str, reason: str
    ) -> Label | None:
        """What the edit ``change_id`` made of the claim ``of``, if it is on record.

        Raises: BadInput when that was another edit.
        """
        change = await desk_changes.by_id(self._vault, self._principal, change_id)
        if change is None:
            return None
        edit = change.edit
        made = msgspec.convert(edit.after or edit.before, Label)
        changed = made.id if edit.before is None else str(edit.before["id"])
        if (edit.action, edit.reason) != (action, reason) or not f"{changed}:".startswith(f"{of}:"):
            raise BadInput(f"Another change of the desk registry has the id {change_id}.")
        if action is DeskAction.WITHDRAW:
            return registry.withdraw(made, at=_ms(change.changed_at))
        return made

    async def _stands(self, label: Label, now: datetime) -> bool:
        """Whether the registry has the claim and has not taken it back."""
        known = await labels.label_by_id(self._graph, label.id)
        if known is not None and known.withdrawn_at is None:
            return True
        wallet = label.accounts[0]
        held = await labels.of_wallets(self._graph, [wallet], now=now, first=_HELD)
        return any(row.id.startswith(f"{label.id}:") for row in held.get(wallet, ()))

    async def _claimable(self, label: Label, now: datetime) -> Label:
        """``label``, or the same claim made anew where it was taken back before."""
        known = await labels.label_by_id(self._graph, label.id)
        if known is None or known.withdrawn_at is None:
            return label
        return registry.again(label, at=_ms(now))


def _entry(label: Label) -> dict[str, object]:
    entry: dict[str, object] = msgspec.to_builtins(label)
    return entry


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
