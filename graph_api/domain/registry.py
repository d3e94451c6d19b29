"""What adding, correcting and withdrawing an address of a desk make of its label.

Nothing is ever rewritten: what was believed on a day can be asked for later. A correction is a
withdrawal and a new claim; who did it and why is the audit's business.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from graph_api.domain.categories import Category, actor_type
from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from graph_api.domain.labels import Subject, claim, on_chain, on_chains
from graph_api.domain.records import Actor, ActorType, Label

SOURCE: Final = "desk registry"


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the registry: one address of one actor and what is known of it."""

    address: str
    label: str
    category: Category
    actor: str | None = None
    confidence: float = 1.0
    source: str = SOURCE
    source_url: str | None = None
    valid_from: int | None = None
    valid_to: int | None = None
    note: str | None = None


def add(wallet: Wallet, *, chains: Sequence[Chain] = (), at: int) -> Label:
    """The label of a new entry, known since ``at``; on every EVM chain where ``chains`` is empty.

    Raises: BadInput.
    """
    return _stated(wallet, _subject(wallet, chains), at)


def withdraw(label: Label, *, at: int) -> Label:
    """``label`` as no longer believed since ``at``: before, it stays what was known.

    Raises: BadInput when it was withdrawn before.
    """
    if label.withdrawn_at is not None:
        raise BadInput(f"The label {label.label!r} has been withdrawn already.")
    if label.learned_at is not None and at < label.learned_at:
        raise BadInput(f"The label {label.label!r} cannot be withdrawn before it was learned.")
    return msgspec.structs.replace(label, withdrawn_at=at)


def correct(
    label: Label, wallet: Wallet, *, chains: Sequence[Chain] = (), at: int
) -> tuple[Label, Label]:
    """``label`` withdrawn, and the claim that takes its place since ``at``.

    To end a claim that was right until a day, correct it to one with that ``valid_to``.
    Raises: BadInput when nothing differs that makes it another claim.
    """
    new = _stated(wallet, _subject(wallet, chains), at)
    if new.id == label.id:
        new = again(new, at=at)
    if msgspec.structs.replace(new, id=label.id, learned_at=label.learned_at) == label:
        raise BadInput("The correction says the same as the entry it corrects.")
    return withdraw(label, at=at), new


def again(label: Label, *, at: int) -> Label:
    """A claim that is made anew after it was withdrawn: another claim, known since ``at``."""
    return msgspec.structs.replace(label, id=f"{label.id}:{at}", learned_at=at, withdrawn_at=None)


def actor_of(
    id: str, name: str, *, category: Category, type: ActorType | None = None, url: str | None = None
) -> Actor:
    """The actor of an entry; without a ``type`` it follows from the category of its wallet."""
    return Actor(
        id=id,
        name=name,
        type=type or actor_type(category),
        url=url,
        source=SOURCE,
        confidence=1.0,
        registered=True,
    )


def _subject(wallet: Wallet, chains: Sequence[Chain]) -> Subject:
    if len(chains) == 1:
        return on_chain(chains[0], wallet.address)
    return on_chains(wallet.address, chains, category=wallet.category)


def _stated(wallet: Wallet, subject: Subject, at: int) -> Label:
    return claim(
        subject,
        wallet.label,
        source=wallet.source,
        confidence=wallet.confidence,
        category=wallet.category,
        source_url=wallet.source_url,
        actor=wallet.actor,
        valid_from=wallet.valid_from,
        valid_to=wallet.valid_to,
        learned_at=at,
        note=wallet.note,
    )
