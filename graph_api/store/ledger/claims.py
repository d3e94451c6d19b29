"""Writing labels and actors: sourced claims about wallets that are in the graph already."""

from collections.abc import Sequence

import msgspec

from graph_api.domain.positions import page_key
from graph_api.domain.records import Actor, Label
from graph_api.store.graph import Row, Writing


async def write_actors(writing: Writing, actors: Sequence[Actor]) -> int:
    """Write actors; what a later source says of a known one replaces what it says too.

    Returns: how many were new.
    """
    rows = [
        msgspec.to_builtins(actor)
        | {"jurisdictions": list(actor.jurisdictions) or None, "text": actor.name.casefold()}
        for actor in {actor.id: actor for actor in actors}.values()
    ]
    if not rows:
        return 0
    known = await writing.run("labels/known_actors", ids=[row["id"] for row in rows])
    await writing.run("labels/set_actors", rows=rows)
    return len(rows) - len(known)


async def write_labels(writing: Writing, labels: Sequence[Label]) -> int:
    """Write claims and tie them to their wallets and actors. Returns: how many were new."""
    distinct = {label.id: label for label in labels}
    if not distinct:
        return 0
    known = {
        row["id"]: row["accounts"]
        for row in await writing.run("labels/known_labels", ids=sorted(distinct))
    }
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


async def _write(writing: Writing, name: str, rows: list[Row]) -> None:
    if rows:
        await writing.run(f"labels/{name}", rows=rows)
