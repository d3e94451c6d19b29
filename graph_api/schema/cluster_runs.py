"""Runs of clustering, as answers name them."""

from datetime import datetime

import strawberry

from graph_api.domain.ids import ChainId
from graph_api.schema.scalars import BigInt
from graph_api.store.clusters import RunRow
from graph_api.store.records import moment


@strawberry.type(description="A run of clustering on a chain: what it knew, and what it published.")
class ClusterRun:
    """Answers about clusters name the run that they come from."""

    run_id: str = strawberry.field(description="Its id: chain and number, to cite it by.")
    chain_id: ChainId = strawberry.field(description="CAIP-2 id of the chain.")
    number: int = strawberry.field(description="1 for the first run on the chain.")
    done: bool = strawberry.field(
        description="False while it is being published: some wallets are then where the run "
        "before it put them."
    )
    started_at: datetime = strawberry.field(description="When it began.")
    finished_at: datetime | None = strawberry.field(description="When all was published.")
    block_number: BigInt | None = strawberry.field(
        description="The newest block that it knew; null where sources tell none."
    )
    block_time: datetime | None = strawberry.field(description="The time of that block.")
    label_version: str = strawberry.field(
        description="Digest of what labels said of the chain's wallets: the same labels, the same "
        "digest."
    )
    threshold: float = strawberry.field(
        description="Evidence that is less sure merged nothing; a fraction in (0, 1]."
    )
    incremental: bool = strawberry.field(
        description="Whether it read new blocks only; what it publishes is the same either way."
    )
    facts: BigInt = strawberry.field(
        description="Transfers that it knew, or transactions on UTXO chains."
    )
    evidence: BigInt = strawberry.field(description="Pieces of evidence, merging or not.")
    clustered_wallets: BigInt = strawberry.field(description="Wallets that are in a cluster.")
    clusters: BigInt = strawberry.field(description="Clusters, of two wallets or more.")
    largest: BigInt = strawberry.field(description="Wallets in the largest cluster.")
    suspicious: BigInt = strawberry.field(
        description="Clusters that were not merged as far as their evidence goes."
    )

    @classmethod
    def of(cls, row: RunRow) -> "ClusterRun":
        """As clients see it."""
        return cls(
            run_id=row.id,
            chain_id=row.chain,
            number=row.number,
            done=row.done,
            started_at=moment(row.started_at),
            finished_at=moment(row.finished_at) if row.done and row.finished_at else None,
            block_number=None if row.block_number is None else BigInt(row.block_number),
            block_time=row.at,
            label_version=row.labels,
            threshold=row.threshold,
            incremental=row.incremental,
            facts=BigInt(row.facts),
            evidence=BigInt(row.evidence),
            clustered_wallets=BigInt(row.wallets),
            clusters=BigInt(row.clusters),
            largest=BigInt(row.largest),
            suspicious=BigInt(row.suspicious),
        )
