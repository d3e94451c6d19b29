"""What issuers did to wallets, and the labels that follow from it.

The labels of a wallet are worked out anew from everything that issuers did to it, so that they are
the same in whichever order its blocks are loaded and taken back.
"""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from graph_api.domain.issuers import Act, label_id_of, labels_of
from graph_api.domain.records import Freeze
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger.claims import write_labels
from graph_api.store.ledger.terms import label_terms, replace_terms


async def write(writing: Writing, new: Iterable[Freeze]) -> list[Row]:
    """Write acts whose wallets and transactions are there, and the labels that follow.

    Returns: their rows.
    """
    rows = [_row(freeze) for freeze in new]
    if rows:
        await writing.run("ledger/create_freezes", rows=rows)
        await _label(writing, rows)
    return rows


async def take_back(writing: Writing, transactions: Sequence[str]) -> list[Row]:
    """Forget what issuers did in ``transactions``, and what followed. Returns: those acts."""
    if not transactions:
        return []
    rows = await writing.run("ledger/freezes_of_transactions", ids=list(transactions))
    if rows:
        await writing.run("ledger/delete_freezes", ids=[row["id"] for row in rows])
        await _label(writing, rows)
    return in_order(rows)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows of acts as their chain has them."""
    return sorted(rows, key=lambda row: (row["block_number"], _log(row)))


async def _label(writing: Writing, changed: Collection[Row]) -> None:
    """Have the labels that follow from all acts on the wallets of ``changed``."""
    wallets = sorted({row["wallet"] for row in changed})
    rows = await writing.run("ledger/freezes_of_wallets", ids=wallets)
    wanted = {label.id: label for label in labels_of(map(_act, rows))}
    # Labels of acts that are gone are among these as well.
    acts = {row["id"]: _act(row) for row in (*rows, *changed)}
    ids = sorted(label_id_of(act) for act in acts)
    found = await writing.run("labels/known_validity", ids=ids)
    known = {row["id"]: row["valid_to"] for row in found}
    await write_labels(writing, [label for key, label in wanted.items() if key not in known])
    ends = [
        {"id": key, "valid_to": label.valid_to}
        for key, label in wanted.items()
        if key in known and known[key] != label.valid_to
    ]
    if ends:
        await writing.run("labels/set_validity", rows=ends)
    if gone := known.keys() - wanted.keys():
        await _forget(writing, [act for act in acts.values() if label_id_of(act.id) in gone])


async def _forget(writing: Writing, acts: Iterable[Act]) -> None:
    """Delete the labels that ``acts`` had begun."""
    labels = [label for act in acts for label in labels_of([act])]
    await replace_terms(writing, old=label_terms(labels), new=[])
    await writing.run("labels/delete_labels", ids=[label.id for label in labels])


def _row(freeze: Freeze) -> Row:
    row = msgspec.structs.asdict(freeze)
    del row["untold"]
    return row | {
        "kind": freeze.kind.value,
        "amount_raw": None if freeze.amount_raw is None else str(freeze.amount_raw),
    }


def _act(row: Row) -> Act:
    return msgspec.convert({**row, "log": _log(row)}, Act, strict=False)


def _log(row: Row) -> int:
    return int(row["position"].rpartition(":")[2])
