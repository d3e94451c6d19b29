"""Clusters on terms of one's own that are jobs, and are kept: to be named, cited and published."""

from datetime import datetime
from typing import Annotated

import strawberry

from graph_api.domain.clusters import THRESHOLD, Suspicion
from graph_api.domain.ids import AccountId, ChainId
from graph_api.domain.principals import Principal
from graph_api.schema.arguments import Argument
from graph_api.schema.changes import RefusalAnswer, change, change_or_refusal
from graph_api.schema.clusters import (
    MOST_SHOWN,
    ClusterBasis,
    ClusterEvidence,
    HeuristicChoice,
    basis,
)
from graph_api.schema.inputs import WalletLookup
from graph_api.schema.jobs import Job
from graph_api.schema.labels import Actor
from graph_api.schema.paging import Connection
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched, root
from graph_api.services.clustering import exports, keeping, lists
from graph_api.services.clustering.chain_replays import (
    MOST_LINKS,
    ReplayAnswer,
    ReplayQuestion,
)
from graph_api.services.clustering.lists import ClusterAt
from graph_api.services.clustering.replays import Terms
from graph_api.store import actors
from graph_api.vault.jobs import Job as JobRow
from graph_api.vault.shelves import Kept
from graph_api.vault.vault import Door


@strawberry.input(description="Which clusters, and on what terms.")
class ClusterReplayInput:
    """A run asked another way."""

    chain: ChainId = strawberry.field(description="Such as `ethereum`, or the CAIP-2 id.")
    around: WalletLookup | None = strawberry.field(
        default=None, description="Only the cluster of this wallet; absent: all of the chain."
    )
    threshold: float = strawberry.field(
        default=THRESHOLD, description="Less sure evidence does not count: a fraction in (0, 1]."
    )
    heuristics: HeuristicChoice | None = strawberry.field(
        default=None, description="Which evidence counts; all, when absent."
    )
    as_of_block: BigInt | None = strawberry.field(
        default=None,
        description="Evidence that became known in later blocks does not count.",
    )
    as_of: datetime | None = strawberry.field(
        default=None, description="The same by time; give one of them at most."
    )

    def asked(self) -> ReplayQuestion:
        """As the service takes it. Raises: BadInput."""
        return ReplayQuestion(
            chain=self.chain,
            around=None if self.around is None else self.around.asked(),
            terms=Terms(
                threshold=self.threshold,
                choice=None if self.heuristics is None else self.heuristics.asked(),
                as_of_block=None if self.as_of_block is None else int(self.as_of_block),
                as_of=self.as_of,
            ),
        )


@strawberry.type(description="Wallets that a replay takes for one; at least two.")
class ReplayedCluster:
    """A guess of methods, not a fact."""

    cluster_id: str = strawberry.field(
        description="Names its first wallet; the published run may have a cluster of the same id "
        "that is another."
    )
    size: int = strawberry.field(description="How many wallets it has.")
    account_ids: list[AccountId] = strawberry.field(
        description=f"CAIP-10 ids of the wallets in their order, up to {MOST_SHOWN:,}."
    )
    evidence: list[ClusterEvidence] = strawberry.field(
        description=f"The links among them, up to {MOST_SHOWN:,}."
    )
    actor_id: str | None = strawberry.field(
        description="The only actor that labels name of its wallets; null where they name none."
    )
    suspicion: Suspicion | None = strawberry.field(
        description="Why it was not merged as far as its evidence goes."
    )
    refused: list[ClusterEvidence] = strawberry.field(
        description=f"Links that were refused, up to {MOST_SHOWN:,}."
    )

    actor: Actor | None = batched(
        actors.by_ids, key="actor_id", of=Actor.of, description="Whose it is, where labels say so."
    )

    @classmethod
    def of(cls, found: ClusterAt) -> "ReplayedCluster":
        """As clients see it."""
        cluster = found.cluster
        return cls(
            cluster_id=cluster.id,
            size=len(cluster.members),
            account_ids=list(cluster.members[:MOST_SHOWN]),
            evidence=[ClusterEvidence.of(row) for row in found.links[:MOST_SHOWN]],
            actor_id=cluster.actor,
            suspicion=cluster.suspicion,
            refused=[ClusterEvidence.of(row) for row in found.refused[:MOST_SHOWN]],
        )


@strawberry.type(description="The clusters of a chain on certain terms.")
class ChainReplay(ClusterBasis):
    """What a replay was answered."""

    chain_id: ChainId = strawberry.field(description="CAIP-2 id of the chain.")
    around_id: AccountId | None = strawberry.field(
        description="The wallet whose cluster was asked for; null: all clusters of the chain."
    )
    label_version: str = strawberry.field(
        description="Digest of what labels said of the chain's wallets when it was answered."
    )
    cluster_count: int = strawberry.field(description="Clusters, of two wallets or more.")
    clustered_wallets: int = strawberry.field(description="Wallets that are in one of them.")
    found: strawberry.Private[ReplayAnswer]

    clusters: Connection[ReplayedCluster] = batched(
        lists.clusters,
        key="found",
        of=ReplayedCluster.of,
        cost=2,
        description="Its clusters, the largest first.",
    )
    export: str | None = batched(
        exports.answers,
        key="found",
        cost=20,
        arguments={"format": "How it is written."},
        description="All of it as the text of a file.",
    )

    @classmethod
    def of(cls, found: ReplayAnswer) -> "ChainReplay":
        """As clients see it."""
        return cls(
            **basis(found),
            chain_id=found.question.chain,
            around_id=found.question.around,
            label_version=found.labels,
            cluster_count=len(found.clusters),
            clustered_wallets=found.wallets,
            found=found,
        )


@strawberry.type(description="A replay that was kept: whole, unchanged, to be cited.")
class StoredClusterReplay:
    """It belongs to who asked for it; others of the workspace see it once it is published."""

    replay_id: str = strawberry.field(description="Its id, which is that of its job.")
    digest: str = strawberry.field(description="SHA-256 of the whole answer as JSON, in hex.")
    citation: str = strawberry.field(description="Id and digest: what a report names.")
    made_at: datetime = strawberry.field(description="When it was answered.")
    owner: str = strawberry.field(description="Who asked for it.")
    name: str | None = strawberry.field(description="What its owner calls it.")
    published_at: datetime | None = strawberry.field(
        description="Since when the workspace sees it; null while it is its owner's alone."
    )

    replay: ChainReplay | None = batched(
        keeping.answers,
        key="replay_id",
        of=ChainReplay.of,
        cost=5,
        fresh=True,
        description="The answer as it was.",
    )

    @classmethod
    def of(cls, kept: Kept) -> "StoredClusterReplay":
        """As clients see it."""
        return cls(
            replay_id=kept.id,
            digest=kept.digest,
            citation=f"clusters {kept.id}, sha256 {kept.digest}",
            made_at=kept.made_at,
            owner=kept.principal,
            name=kept.name,
            published_at=kept.published_at,
        )


StoredClusterReplayResult = Annotated[
    StoredClusterReplay | RefusalAnswer,
    strawberry.union(
        "StoredClusterReplayResult", description="The replay as it is now, or why not."
    ),
]


def _id(id: str) -> str:
    return id


async def _request(
    vault: Door, *, question: ReplayQuestion, principal: Principal, now: datetime
) -> JobRow:
    return await keeping.request_replay(vault, asked=question, principal=principal, now=now)


@strawberry.type
class StoredClusterReplayQuery:
    """Replays that were kept."""

    stored_cluster_replay: StoredClusterReplay | None = root(
        keeping.by_ids,
        key=_id,
        of=StoredClusterReplay.of,
        arguments={"id": "Its `replayId`."},
        description="A replay that was kept; null where there is none that you may see.",
    )
    stored_cluster_replays: Connection[StoredClusterReplay] = root(
        keeping.history,
        of=StoredClusterReplay.of,
        description="Your replays, and those that are published in the workspace, newest first.",
    )


@strawberry.type
class StoredClusterReplayMutation:
    """Asking for replays, and what becomes of those that are kept."""

    request_cluster_replay: Job = change(
        _request,
        of=Job.of,
        arguments={"question": Argument("What is asked.", type=ClusterReplayInput)},
        description=(
            f"Find who is one on a chain on terms of your own, from up to {MOST_LINKS:,} links of "
            "the published run's evidence; the answer is kept and can be cited. What is published "
            "stays as it is. Asked again while it runs it answers the same job."
        ),
    )
    name_cluster_replay: StoredClusterReplayResult = change_or_refusal(
        keeping.name,
        of=StoredClusterReplay.of,
        arguments={"id": "Its `replayId`.", "name": "Up to 100 characters; yours alone has it."},
        description="Keep a replay of yours by name.",
    )
    publish_cluster_replay: StoredClusterReplayResult = change_or_refusal(
        keeping.publish,
        of=StoredClusterReplay.of,
        arguments={"id": "Its `replayId`."},
        description=(
            "Let the workspace see a replay of yours, and write it into the graph as a "
            "`ClusterReplay` with roads to wallets, for everybody who may ask the graph."
        ),
    )
    withdraw_cluster_replay: StoredClusterReplayResult = change_or_refusal(
        keeping.withdraw,
        of=StoredClusterReplay.of,
        arguments={"id": "Its `replayId`."},
        description="Take a replay back from the workspace and from the graph; it stays yours.",
    )
    delete_cluster_replay: StoredClusterReplayResult = change_or_refusal(
        keeping.delete,
        of=StoredClusterReplay.of,
        arguments={"id": "Its `replayId`."},
        description="Forget a replay of yours for good; who cites it finds nothing.",
    )
