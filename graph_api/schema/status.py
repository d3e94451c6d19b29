"""What is loaded, who is loading, and what this installation is: its public part only."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import strawberry

from graph_api.domain.chains import CHAINS
from graph_api.domain.ids import ChainId
from graph_api.schema.context import Context
from graph_api.schema.ledger import Chain, Token
from graph_api.schema.limits import DocumentLimits
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched, extends, root
from graph_api.services import overview
from graph_api.services.overview import MAX_LOADS, Ingest, Loaded
from graph_api.store import migrations, statistics
from graph_api.store.checkpoints import Checkpoint
from graph_api.store.graph import Engine
from graph_api.store.statistics import Writer

strawberry.enum(Engine, name="GraphEngine", description="Which engine keeps the graph.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """What became of one readiness check; ``remedy`` is one sentence where it failed."""

    name: str
    ok: bool
    error: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What the front door knows of itself; put it into the context's parts.

    Args:
        version: Of deskgraph.
        limits: What one document may ask for.
        checks: Runs the readiness checks.
    """

    version: str
    limits: DocumentLimits
    checks: Callable[[], Awaitable[Sequence[CheckOutcome]]]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of all readiness checks."""

    checks: tuple[CheckOutcome, ...]


@dataclass(frozen=True, slots=True)
class Versions:
    """Which programs work together here."""

    version: str
    engine: Engine
    engine_version: str
    migration: int


@dataclass(frozen=True, slots=True)
class Configured:
    """The settings that clients may know."""

    limits: DocumentLimits
    engine: Engine


@strawberry.type(description="How much is loaded, of one chain or of all of them.")
class Statistics:
    """Counters that are kept while loading."""

    blocks: BigInt = strawberry.field(description="Blocks.")
    transactions: BigInt = strawberry.field(
        description="Transactions, those included of which only events are known."
    )
    transfers: BigInt = strawberry.field(description="Transfers.")
    wallets: BigInt = strawberry.field(description="Wallets.")
    first_at: datetime | None = strawberry.field(description="Earliest time of a fact.")
    last_at: datetime | None = strawberry.field(description="Latest time of a fact.")
    tokens: BigInt = strawberry.field(description="Tokens of all chains.")
    labels: BigInt = strawberry.field(description="Labels of all chains, withdrawn ones included.")
    actors: BigInt = strawberry.field(description="Actors.")
    chains: list[Chain] = strawberry.field(
        description="The same for each chain of which something is loaded."
    )

    @classmethod
    def of(cls, found: Loaded) -> "Statistics":
        """The sums of chains."""
        rows, totals = found.chains, found.totals
        return cls(
            blocks=BigInt(sum(row.blocks for row in rows)),
            transactions=BigInt(sum(row.transactions for row in rows)),
            transfers=BigInt(sum(row.transfers for row in rows)),
            wallets=BigInt(sum(row.wallets for row in rows)),
            first_at=min((row.first_at for row in rows if row.first_at), default=None),
            last_at=max((row.last_at for row in rows if row.last_at), default=None),
            tokens=BigInt(totals.tokens),
            labels=BigInt(totals.labels),
            actors=BigInt(totals.actors),
            chains=[Chain.of(row) for row in rows],
        )


@strawberry.type(description="A dataset that was loaded, or is being loaded.")
class Load:
    """How far it came."""

    source: str = strawberry.field(description="What people call it: names of files.")
    format: str = strawberry.field(description="Its format, such as `ethereum-etl-transactions`.")
    row: BigInt = strawberry.field(description="The last row whose records are in the graph.")
    read: BigInt = strawberry.field(description="Records read.")
    written: BigInt = strawberry.field(description="Records that were new.")
    known: BigInt = strawberry.field(description="Records that were there already.")
    rejected: BigInt = strawberry.field(description="Rows that were left out.")
    done: bool = strawberry.field(description="Whether its end was reached.")
    started_at: datetime = strawberry.field(description="When its first batch was written.")
    updated_at: datetime = strawberry.field(description="When its latest batch was written.")

    @classmethod
    def of(cls, row: Checkpoint) -> "Load":
        """The load of a checkpoint."""
        return cls(
            source=row.source,
            format=row.format,
            row=BigInt(row.row),
            read=BigInt(row.read),
            written=BigInt(row.written),
            known=BigInt(row.known),
            rejected=BigInt(row.rejected),
            done=row.done,
            started_at=row.started_at,
            updated_at=row.updated_at,
        )


@strawberry.type(description="A process that is writing now.")
class ActiveWriter:
    """What it writes; where it runs is nobody's business."""

    chain_id: ChainId | None = strawberry.field(
        description="The chain that it writes; null for actors and for a dataset as a whole."
    )
    writer: str = strawberry.field(
        description="A name that is the same for everything that one process holds."
    )
    holds_until: datetime = strawberry.field(
        description="When others may take over unless it prolongs its right before."
    )

    @classmethod
    def of(cls, row: Writer) -> "ActiveWriter":
        """The writer of a lease."""
        known = {chain.id for chain in CHAINS}
        return cls(
            chain_id=ChainId(row.lease) if row.lease in known else None,
            # The rest of the name tells the machine and the process.
            writer=row.holder.rpartition(":")[2],
            holds_until=row.expires_at,
        )


@strawberry.type(description="What was loaded, what is being loaded, and by whom.")
class IngestStatus:
    """The state of loading."""

    loads: list[Load] = strawberry.field(description="The loads that moved last, newest first.")
    total_loads: int = strawberry.field(description="How many datasets were ever begun.")
    writers: list[ActiveWriter] = strawberry.field(description="Who is writing now.")
    chains: list[Chain] = strawberry.field(
        description="Chains of which something is loaded, with their last block."
    )

    @classmethod
    def of(cls, found: Ingest) -> "IngestStatus":
        """As clients see it."""
        return cls(
            loads=[Load.of(row) for row in found.loads],
            total_loads=found.totals.loads,
            writers=[ActiveWriter.of(row) for row in found.writers],
            chains=[Chain.of(row) for row in found.chains],
        )


@strawberry.type(description="One thing that must work for requests to be answered.")
class HealthCheck:
    """Whether it does."""

    name: str = strawberry.field(description="What is checked: graph, migrations, vault, bus.")
    ok: bool = strawberry.field(description="Whether it works.")
    error: str | None = strawberry.field(description="What is wrong; null where it works.")
    remedy: str | None = strawberry.field(description="What to do about it; null where it works.")

    @classmethod
    def of(cls, outcome: CheckOutcome) -> "HealthCheck":
        """The outcome of a check."""
        return cls(name=outcome.name, ok=outcome.ok, error=outcome.error, remedy=outcome.remedy)


@strawberry.type(description="Whether requests can be answered; `/health/ready` tells the same.")
class Health:
    """All checks."""

    ready: bool = strawberry.field(description="Whether every check passes.")
    checks: list[HealthCheck] = strawberry.field(description="Each of them.")

    @classmethod
    def of(cls, outcomes: Outcomes) -> "Health":
        """The outcomes of all checks."""
        return cls(
            ready=all(outcome.ok for outcome in outcomes.checks),
            checks=[HealthCheck.of(outcome) for outcome in outcomes.checks],
        )


@strawberry.type(description="Which deskgraph answers, on which engine.")
class Version:
    """What to name in a report of a fault."""

    version: str = strawberry.field(description="Of deskgraph, such as `0.1.0`.")
    engine: Engine = strawberry.field(description="Which engine keeps the graph.")
    engine_version: str = strawberry.field(description="As the engine calls itself.")
    migration: int = strawberry.field(description="Number of the newest migration of the graph.")

    @classmethod
    def of(cls, found: Versions) -> "Version":
        """As clients see it."""
        return cls(
            version=found.version,
            engine=found.engine,
            engine_version=found.engine_version,
            migration=found.migration,
        )


@strawberry.type(description="What one document may ask for; beyond that it is refused unread.")
class Limits:
    """The limits of the language."""

    max_characters: int = strawberry.field(description="Characters of a document.")
    max_tokens: int = strawberry.field(description="Words and signs of a document.")
    max_nesting: int = strawberry.field(description="Brackets within each other.")
    max_depth: int = strawberry.field(description="Fields within each other.")
    max_aliases: int = strawberry.field(description="Aliases.")
    max_selections: int = strawberry.field(
        description="Fields and fragments, counted as often as they are spread."
    )
    max_repeats: int = strawberry.field(description="Fields selected again in one place.")
    max_directives: int = strawberry.field(description="Directives.")
    max_root_fields: int = strawberry.field(description="Fields of the root.")


@strawberry.type(description="What clients need to know of how this installation is set up.")
class Config:
    """The public part of the settings."""

    limits: Limits = strawberry.field(description="What one document may ask for.")
    engine: Engine = strawberry.field(description="Which engine keeps the graph.")
    chains: list[ChainId] = strawberry.field(description="Chains that can be loaded, CAIP-2.")

    @classmethod
    def of(cls, found: Configured) -> "Config":
        """As clients see it."""
        return cls(
            limits=Limits(**asdict(found.limits)),
            engine=found.engine,
            chains=[ChainId(chain.id) for chain in CHAINS],
        )


@extends(Chain)
class ChainTokens:
    """What is busiest on a chain."""

    top_tokens: list[Token] = batched(
        statistics.busiest_tokens,
        key="chain_id",
        of=Token.of,
        description="Its tokens with the most loaded transfers, the busiest first.",
    )


async def _health(installation: Installation) -> Outcomes:
    return Outcomes(tuple(await installation.checks()))


async def _version(context: Context) -> Versions:
    graph = context.graph
    state = await migrations.status(graph)
    return Versions(
        version=context.part(Installation).version,
        engine=graph.engine,
        engine_version=graph.version,
        migration=max((row.number for row in state.applied), default=0),
    )


async def _config(context: Context) -> Configured:
    return Configured(limits=context.part(Installation).limits, engine=context.graph.engine)


@strawberry.type
class StatusQuery:
    """What is loaded and what answers."""

    statistics: Statistics = root(
        overview.loaded,
        of=Statistics.of,
        arguments={"chain": "Only of this chain; of all when not given."},
        description="How much is loaded; `chains { topTokens { … } }` has the busiest tokens.",
    )
    ingest_status: IngestStatus = root(
        overview.ingest,
        of=IngestStatus.of,
        arguments={"loads": f"How many loads, the newest first: 1 to {MAX_LOADS}."},
        description="What was loaded, what is being loaded, and by whom.",
        fresh=True,
    )
    health: Health = root(
        _health,
        of=Health.of,
        description="Whether requests can be answered, and what to do where they cannot.",
    )
    version: Version = root(
        _version, of=Version.of, description="Which deskgraph answers, on which engine."
    )
    config: Config = root(
        _config, of=Config.of, description="The public part of how this installation is set up."
    )
