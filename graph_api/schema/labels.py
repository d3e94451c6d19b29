"""Who is behind wallets: labels, actors and desks, as they were known on a day."""

from datetime import datetime
from typing import ClassVar, Final

import strawberry

from graph_api.domain.categories import Category
from graph_api.domain.errors import BadInput
from graph_api.domain.records import ActorType
from graph_api.schema.inputs import LabelFilterInput, LabelledWalletFilterInput
from graph_api.schema.ledger import Wallet
from graph_api.schema.node import Node, found_by
from graph_api.schema.paging import Connection, Paging
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import Argument, batched, extends, root
from graph_api.services import attribution, finding
from graph_api.store import actors, desks, labels
from graph_api.store.actors import ActorRow
from graph_api.store.desks import MAX_LABELS, DeskRow, DeskSource
from graph_api.store.labels import LabelRow

strawberry.enum(
    DeskSource,
    description=(
        "Where a desk is known from: a desk REGISTRY lists it, or the DATABASE shows it at work."
    ),
)

AS_OF: Final = "As it was known, and as it held, at this moment; now when not given."
_DESK_TYPES: Final = ", ".join(f"`{type.name}`" for type in desks.DESK_TYPES)


LABEL_FILTER: Final = Argument(
    "Conditions that all must hold. Where few labels meet them, a page may stop early: see "
    "`pageInfo.stopped`.",
    type=LabelFilterInput | None,
)


@found_by(labels.by_ids)
@strawberry.type(description="One sourced claim about one address.")
class Label(Node):
    """Who says what, how sure, about when, and since when we know."""

    node_key: ClassVar[str] = "label_id"

    label_id: str = strawberry.field(description="Stable: the same claim has it in every load.")
    label: str = strawberry.field(description="The words of the source.")
    category: Category | None = strawberry.field(
        description="Our word for what the address is used for; null where none fits."
    )
    confidence: float = strawberry.field(description="How sure it is: a fraction above 0, up to 1.")
    source: str = strawberry.field(description="Who says so.")
    source_url: str | None = strawberry.field(description="Where it can be read.")
    source_category: str | None = strawberry.field(
        description="The source's own word for the category."
    )
    actor_id: str | None = strawberry.field(description="Id of the actor that it names.")
    valid_from: datetime | None = strawberry.field(
        description="It holds from this moment on; null: always."
    )
    valid_to: datetime | None = strawberry.field(
        description="It holds until before this moment; null: still."
    )
    learned_at: datetime | None = strawberry.field(
        description="When it became known; null where its source does not say."
    )
    withdrawn_at: datetime | None = strawberry.field(
        description="When it was taken back; null while it stands."
    )
    defines_cluster: bool | None = strawberry.field(
        description="Whether it speaks for all wallets of the same owner; null: not said."
    )
    note: str | None = strawberry.field(description="What the source adds.")

    actor: "Actor | None" = batched(
        actors.by_ids,
        key="actor_id",
        of=lambda row: Actor.of(row),
        description="Whom it names.",
    )
    wallets: list[Wallet] = batched(
        labels.accounts_of,
        key="label_id",
        of=Wallet.of,
        description=(
            "The wallets that it speaks of: one, or the same address on every EVM chain where the "
            "source names no chain."
        ),
    )

    @classmethod
    def of(cls, row: LabelRow) -> "Label":
        """The label of a row."""
        return cls(
            label_id=row.id,
            label=row.label,
            category=_category(row.category),
            confidence=row.confidence,
            source=row.source,
            source_url=row.source_url,
            source_category=row.source_category,
            actor_id=row.actor,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            learned_at=row.learned_at,
            withdrawn_at=row.withdrawn_at,
            defines_cluster=row.defines_cluster,
            note=row.note,
        )


@found_by(actors.by_ids)
@strawberry.type(description="Somebody who owns wallets: an exchange, a desk, a mixer.")
class Actor(Node):
    """As the surest source describes it."""

    node_key: ClassVar[str] = "actor_id"

    actor_id: str = strawberry.field(description="A slug, such as `genesistrading`.")
    name: str = strawberry.field(description="As people know it.")
    type: ActorType = strawberry.field(description="What it does.")
    url: str | None = strawberry.field(description="Its web site.")
    logo_url: str | None = strawberry.field(description="Its picture.")
    jurisdictions: list[str] = strawberry.field(
        description="Where it is at home, ISO 3166 codes of two letters."
    )
    source: str | None = strawberry.field(
        description="Who describes it; null where labels merely name it."
    )
    confidence: float = strawberry.field(
        description="How sure the description is: 0 where there is none, up to 1."
    )
    registered: bool = strawberry.field(description="Whether a desk registry lists it.")

    wallets: Connection[Wallet] = batched(
        labels.wallets_of_actors,
        key="actor_id",
        of=Wallet.of,
        order="labelled_wallets",
        cost=3,
        arguments={
            "filter": Argument(
                "Conditions that all must hold. Where few wallets meet them, a page may stop "
                "early: see `pageInfo.stopped`.",
                type=LabelledWalletFilterInput | None,
            ),
            "as_of": AS_OF,
        },
        description="Wallets that labels say are its own, those of the surest labels first.",
    )
    labels: Connection[Label] = batched(
        labels.of_actors,
        key="actor_id",
        of=Label.of,
        order="labels",
        cost=2,
        arguments={"filter": LABEL_FILTER, "as_of": AS_OF},
        description="Labels that name it, the surest first.",
    )

    @classmethod
    def of(cls, row: ActorRow) -> "Actor":
        """The actor of a row."""
        return cls(
            actor_id=row.id,
            name=row.name,
            type=ActorType(row.type),
            url=row.url,
            logo_url=row.logo_url,
            jurisdictions=row.jurisdictions or [],
            source=row.source,
            confidence=row.confidence,
            registered=row.registered,
        )


@strawberry.type(
    description=(
        "An actor that trades over the counter, and what its labelled wallets did as far as it is "
        f"loaded. Totals are of its {MAX_LABELS:,} surest labels; transfers between its own "
        "wallets count at both."
    )
)
class Desk:
    """An actor with the activity of its wallets."""

    actor: Actor = strawberry.field(description="Who it is.")
    registered: bool = strawberry.field(description="Whether a desk registry lists it.")
    validated: bool = strawberry.field(
        description="Whether the database shows it at work: a labelled wallet has transfers."
    )
    label_count: int = strawberry.field(description="Labels that name it.")
    wallet_count: int = strawberry.field(description="Wallets that these labels speak of.")
    active_wallet_count: int = strawberry.field(
        description="Those of them that have loaded transfers."
    )
    transfers_in: BigInt = strawberry.field(description="Loaded transfers that reached them.")
    transfers_out: BigInt = strawberry.field(description="Loaded transfers that they sent.")
    first_seen_at: datetime | None = strawberry.field(description="Their earliest activity.")
    last_seen_at: datetime | None = strawberry.field(description="Their latest activity.")
    complete: bool = strawberry.field(
        description=f"False where more than {MAX_LABELS:,} labels name it."
    )

    @classmethod
    def of(cls, row: DeskRow) -> "Desk":
        """The desk of a row."""
        activity = row.activity
        return cls(
            actor=Actor.of(row.actor),
            registered=row.actor.registered,
            validated=row.validated,
            label_count=activity.labels,
            wallet_count=activity.wallets,
            active_wallet_count=activity.active_wallets,
            transfers_in=BigInt(activity.transfers_in),
            transfers_out=BigInt(activity.transfers_out),
            first_seen_at=activity.first_seen_at,
            last_seen_at=activity.last_seen_at,
            complete=activity.scanned < MAX_LABELS,
        )


@extends(Wallet)
class WalletLabels:
    """What is said of a wallet."""

    labels: list[Label] = batched(
        labels.of_wallets,
        key="account_id",
        of=Label.of,
        arguments={"as_of": AS_OF},
        description="All that is said of it, the surest first.",
    )
    label: Label | None = batched(
        attribution.labels_that_win,
        key="account_id",
        of=Label.of,
        arguments={"as_of": AS_OF},
        description=(
            "What it is best known by: claims weigh their confidence squared, and those of one "
            "actor (or of the same words) count together; null where nothing is said."
        ),
    )
    actor: Actor | None = batched(
        attribution.owners,
        key="account_id",
        of=Actor.of,
        cost=2,
        arguments={"as_of": AS_OF},
        description=(
            "Whose it most likely is, by the labels that name an actor, weighed as for `label`; "
            "null where none does."
        ),
    )


def _actor(id: str) -> str:
    if not 1 <= len(id) <= 200:
        raise BadInput("An actor's id has 1 to 200 characters.")
    return id.strip().lower()


@strawberry.type
class LabelQuery:
    """Where questions about labels, actors and desks begin."""

    actor: Actor | None = root(
        actors.by_ids,
        key=_actor,
        of=Actor.of,
        arguments={"id": "Its slug, such as `genesistrading`."},
        description="One actor; null where no source speaks of it.",
    )
    actors: Connection[Actor] = root(
        finding.actors_found,
        of=Actor.of,
        order="actors",
        arguments={
            "type": "Only of this type.",
            "search": "Only with these words in name or id; the last may be a beginning.",
            "registered": "Only those that a desk registry lists (or does not).",
        },
        description="Actors in the order of their ids.",
    )
    desk: Desk | None = root(
        desks.by_ids,
        key=_actor,
        of=Desk.of,
        cost=5,
        arguments={"id": "The actor's slug.", "as_of": AS_OF},
        description="One actor as a desk, whatever its type; null where no source speaks of it.",
    )
    desks: Connection[Desk] = root(
        desks.listed,
        of=Desk.of,
        order="desks",
        cost=5,
        arguments={
            "source": "Only those known from there.",
            "validated_only": "Leave out those of which no labelled wallet has loaded transfers.",
            "types": Argument(
                f"What kinds of actors count as desks; {_DESK_TYPES} when not given.",
                type=list[ActorType] | None,
            ),
            "as_of": AS_OF,
        },
        description=(
            "Desks of the registries and of the database, in the order of their ids. Where few "
            "meet the conditions, a page may stop early: see `pageInfo.stopped`."
        ),
    )
    labels: Connection[Label] = root(
        finding.labels_found,
        of=Label.of,
        order="labels",
        paging=Paging(default=20, ceiling=1_000),
        cost=2,
        arguments={
            "actor": "Only those that name this actor.",
            "filter": LABEL_FILTER,
            "as_of": AS_OF,
        },
        description=(
            "Labels of an actor or a category, the surest first; of everybody in the order of "
            "their ids."
        ),
    )


def _category(word: str | None) -> Category | None:
    return None if word is None else Category(word)
