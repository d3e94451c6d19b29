"""Writing labels and actors: sourced claims about wallets that are in the graph already."""

from collections.abc import Sequence

import msgspec

from graph_api.domain.positions import page_key
from graph_api.domain.records import Actor, ActorType, Label
from graph_api.store.graph import Row, Writing


async def write_actors(writing: Writing, actors: Sequence[Actor]) -> int:
    """Write actors. Of several descriptions the most confident holds, the rest fill its gaps.

    Returns: how many were new.
    """
    if not actors:
        return 0
    ids = sorted({actor.id for actor in actors})
    known = {row["id"]: _actor(row) for row in await writing.run("labels/known_actors", ids=ids)}
    merged = dict(known)
    for actor in actors:
        before = merged.get(actor.id)
        merged[actor.id] = actor if before is None else _merged(before, actor)
    rows = [_actor_row(actor) for key, actor in merged.items() if known.get(key) != actor]
    if rows:
        await writing.run("labels/set_actors", rows=rows)
    return len(ids) - len(known)


async def write_labels(writing: Writing, labels: Sequence[Label]) -> int:
    """Write claims and tie them to their wallets and actors. Returns: how many were new."""
    distinct = {label.id: label for label in labels}
    if not distinct:
        return 0
    found = await writing.run("labels/known_labels", ids=sorted(distinct))
    known = {row["id"]: row["accounts"] for row in found}
    withdrawn = [
        {"id": row["id"], "withdrawn_at": distinct[row["id"]].withdrawn_at}
        for row in found
        if row["withdrawn_at"] is None and distinct[row["id"]].withdrawn_at is not None
    ]
    new = [label for key, label in distinct.items() if key not in known]
    ties = [
        {"id": label.id, "account": account}
        for label in distinct.values()
        for account in label.accounts
        if account not in known.get(label.id, ())
    ]
    await _write(writing, "create_labels", [_row(label) for label in new])
    await _write(
        writing,
        "name_actors",
        [{"id": label.id, "actor": label.actor} for label in new if label.actor is not None],
    )
    await _write(writing, "tie_labels", ties)
    await _write(writing, "withdraw_labels", withdrawn)
    return len(new)


def _row(label: Label) -> Row:
    row = msgspec.structs.asdict(label)
    account = label.accounts[0] if label.accounts else ""
    del row["accounts"]
    return row | {
        "text": label.label.casefold(),
        "actor_key": label.actor and page_key(label.actor, account + label.id),
        "category_key": label.category and page_key(label.category, account + label.id),
    }


def _actor(row: Row) -> Actor:
    row["jurisdictions"] = tuple(row["jurisdictions"] or ())
    row["type"] = ActorType(row["type"])
    return Actor(**row)


def _actor_row(actor: Actor) -> Row:
    return msgspec.structs.asdict(actor) | {
        "type": actor.type.value,
        "jurisdictions": list(actor.jurisdictions) or None,
        "text": actor.name.casefold(),
    }


def _merged(first: Actor, second: Actor) -> Actor:
    def weight(actor: Actor) -> tuple[float, str]:
        return -actor.confidence, actor.source or ""

    best, rest = sorted((first, second), key=weight)
    return msgspec.structs.replace(
        best,
        url=best.url or rest.url,
        logo_url=best.logo_url or rest.logo_url,
        jurisdictions=best.jurisdictions or rest.jurisdictions,
    )


async def _write(writing: Writing, name: str, rows: list[Row]) -> None:
    if rows:
        await writing.run(f"labels/{name}", rows=rows)
