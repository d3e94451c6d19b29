"""Writing labels and actors: sourced claims about wallets that are in the graph already."""

from collections.abc import Sequence

import msgspec

from graph_api.domain.labels import label_order
from graph_api.domain.positions import page_key
from graph_api.domain.records import Actor, ActorType, Label
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger.terms import actor_terms, label_terms, replace_terms


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
    changed = [actor for key, actor in merged.items() if known.get(key) != actor]
    await _write(writing, "set_actors", [_actor_row(actor) for actor in changed])
    renamed = [actor for actor in changed if _name(known.get(actor.id)) != actor.name]
    outdated = [known[actor.id] for actor in renamed if actor.id in known]
    await replace_terms(writing, old=actor_terms(outdated), new=actor_terms(renamed))
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
    await replace_terms(writing, old=[], new=label_terms(new))
    await _name_actors(writing, new)
    await _write(writing, "tie_labels", ties)
    await _write(writing, "withdraw_labels", withdrawn)
    return len(new)


async def _name_actors(writing: Writing, labels: Sequence[Label]) -> None:
    """Tie labels to their actors; one that no source has described has its slug for a name."""
    named = {label.id: label.actor for label in labels if label.actor is not None}
    bare = [
        Actor(id=actor, name=actor, type=ActorType.OTHER, confidence=0.0)
        for actor in sorted(set(named.values()))
    ]
    await write_actors(writing, bare)
    rows = [{"id": label, "actor": actor} for label, actor in named.items()]
    await _write(writing, "name_actors", rows)


def _row(label: Label) -> Row:
    row = msgspec.structs.asdict(label)
    del row["accounts"]
    order = label_order(label)
    return row | {
        "actor_key": label.actor and page_key(label.actor, order),
        "category_key": label.category and page_key(label.category, order),
    }


def _name(actor: Actor | None) -> str | None:
    return None if actor is None else actor.name


def _actor(row: Row) -> Actor:
    row["jurisdictions"] = tuple(row["jurisdictions"] or ())
    row["type"] = ActorType(row["type"])
    row["registered"] = bool(row["registered"])
    return Actor(**row)


def _actor_row(actor: Actor) -> Row:
    return msgspec.structs.asdict(actor) | {
        "type": actor.type.value,
        "jurisdictions": list(actor.jurisdictions) or None,
        "registered": actor.registered or None,
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
        registered=best.registered or rest.registered,
    )


async def _write(writing: Writing, name: str, rows: list[Row]) -> None:
    if rows:
        await writing.run(f"labels/{name}", rows=rows)
