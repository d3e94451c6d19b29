"""Who is one: clusters of the published run, their evidence, and questions on other terms."""

from datetime import datetime
from typing import Final, TypedDict

import strawberry

from graph_api.analysis.clustering.choosing import Choice
from graph_api.domain.clusters import THRESHOLD, Heuristic, Suspicion
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, ChainId, TransactionId
from graph_api.domain.principals import Principal
from graph_api.schema.arguments import Argument
from graph_api.schema.changes import change
from graph_api.schema.cluster_runs import ClusterRun
from graph_api.schema.inputs import WalletLookup
from graph_api.schema.jobs import Job
from graph_api.schema.labels import Actor
from graph_api.schema.ledger import Transaction, Wallet
from graph_api.schema.paging import Connection
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched, extends, root
from graph_api.services import jobs
from graph_api.services.clustering import exports, replays
from graph_api.services.clustering.replays import Basis, Explanation, Replay, Terms
from graph_api.store import actors, clusters, transactions, wallets
from graph_api.store.clusters import ClusterRow, EvidenceRow
from graph_api.store.graph import Graph
from graph_api.vault.jobs import Job as JobRow
from graph_api.vault.vault import Door

_MOST_PARTS: Final = 20
#: Lists that are no pages end here.
MOST_SHOWN: Final = 1_000

strawberry.enum(
    Heuristic,
    name="ClusterHeuristic",
    description=(
        "Why two wallets may be one. UTXO chains: MULTI_INPUT (spent together, CoinJoins left "
        "out), ONE_TIME_CHANGE, OPTIMAL_CHANGE and ROUND_PAYMENT (which output may be change). EVM "
        "chains: DEPOSIT_REUSE (pay into one deposit address), DEPOSIT_ADDRESS (forwards to an "
        "exchange), DEPOSIT_TOPOLOGY (the same, of sources without time and amount), AIRDROP "
        "(gathered gifts), SELF_AUTHORISATION (lets the other spend). EVM and Solana: "
        "FIRST_FUNDER. Solana: FEE_PAYER. docs/methods.md defines them."
    ),
)
strawberry.enum(
    Suspicion,
    name="ClusterSuspicion",
    description=(
        "Why a cluster was not merged as far as its evidence goes: it would have become TOO_LARGE, "
        "or would have held wallets of TWO_ACTORS."
    ),
)


@strawberry.type(description="One reason to take two wallets for one.")
class ClusterEvidence:
    """The earliest of its kind for the pair."""

    evidence_id: str = strawberry.field(description="The same for the same reason and pair.")
    heuristic: Heuristic = strawberry.field(description="The kind of reason.")
    start_id: AccountId = strawberry.field(description="CAIP-10 id of one wallet.")
    end_id: AccountId = strawberry.field(description="CAIP-10 id of the other.")
    transaction_id: str | None = strawberry.field(
        description="Chain and hash of the transaction that shows it; null where the source tells "
        "none."
    )
    transaction_key: strawberry.Private[TransactionId | None]
    block_number: BigInt | None = strawberry.field(
        description="From which block on it holds; null where the source tells none."
    )
    confidence: float = strawberry.field(description="How sure it is, a fraction in (0, 1].")

    start: Wallet | None = batched(
        wallets.by_ids, key="start_id", of=Wallet.of, description="One wallet."
    )
    end: Wallet | None = batched(
        wallets.by_ids, key="end_id", of=Wallet.of, description="The other wallet."
    )
    transaction: Transaction | None = batched(
        transactions.by_ids,
        key="transaction_key",
        of=Transaction.of,
        description="The transaction that shows it, where it is loaded.",
    )

    @classmethod
    def of(cls, row: EvidenceRow) -> "ClusterEvidence":
        """As clients see it."""
        return cls(
            evidence_id=row.id,
            heuristic=Heuristic(row.heuristic),
            start_id=row.start,
            end_id=row.end,
            transaction_id=row.transaction,
            transaction_key=row.transaction,
            block_number=None if row.block_number is None else BigInt(row.block_number),
            confidence=row.confidence,
        )


@strawberry.type(description="Wallets that the published run takes for one; at least two.")
class Cluster:
    """A guess of methods, not a fact."""

    cluster_id: str = strawberry.field(
        description="Names its first wallet, so that the id leads on after a merge."
    )
    chain_id: ChainId = strawberry.field(description="CAIP-2 id of the chain.")
    size: int = strawberry.field(description="How many wallets it has.")
    actor_id: str | None = strawberry.field(
        description="The only actor that labels name of its wallets; null where they name none."
    )
    suspicion: Suspicion | None = strawberry.field(
        description="Why it was not merged further; null where nothing was refused."
    )
    changed_by: str = strawberry.field(description="The `runId` of the run that changed it last.")
    refused_ids: strawberry.Private[tuple[str, ...]]

    refused: list[ClusterEvidence] = batched(
        clusters.evidence_lists,
        key="refused_ids",
        of=ClusterEvidence.of,
        description="Links that would have joined it to what it should not be joined to, up to 50.",
    )
    actor: Actor | None = batched(
        actors.by_ids, key="actor_id", of=Actor.of, description="Whose it is, where labels say so."
    )
    run: ClusterRun | None = batched(
        clusters.published,
        key="chain_id",
        of=ClusterRun.of,
        description="The published run: what it knew of blocks and labels.",
    )
    members: Connection[Wallet] = batched(
        clusters.members,
        key="cluster_id",
        of=Wallet.of,
        cost=2,
        description="Its wallets, in the order of their ids.",
    )
    export: str | None = batched(
        exports.published,
        key="cluster_id",
        cost=20,
        arguments={"format": "How it is written."},
        description=(
            f"Its wallets and the evidence that merges them as the text of a file, up to "
            f"{exports.MOST_WALLETS:,} wallets; `requestClusterReplay` takes larger ones."
        ),
    )

    @classmethod
    def of(cls, row: ClusterRow) -> "Cluster":
        """As clients see it."""
        return cls(
            cluster_id=row.id,
            chain_id=row.chain,
            size=row.size,
            actor_id=row.actor,
            suspicion=clusters.suspicion_of(row),
            changed_by=row.run,
            refused_ids=tuple(row.refused or ()),
        )


@extends(Wallet)
class WalletClusters:
    """Who else a wallet is."""

    cluster: Cluster | None = batched(
        clusters.by_wallets,
        key="account_id",
        of=Cluster.of,
        description="The cluster that it is in; null while no run has put it in one.",
    )
    cluster_evidence: list[ClusterEvidence] = batched(
        clusters.links_of_wallets,
        key="account_id",
        of=ClusterEvidence.of,
        description="The surest evidence that it and others are one, whether it merges them or "
        "is only reported.",
    )


@strawberry.type
class ClusterBasis:
    """What answers about clusters rest on: those that are worked out have its fields."""

    complete: bool = strawberry.field(
        description=f"False where there is more evidence than the {replays.BUDGET:,} links that "
        "one question reads: there may be more to find."
    )
    threshold: float = strawberry.field(description="Less sure evidence did not count.")
    as_of_block: BigInt | None = strawberry.field(
        description="Evidence of later blocks did not count; null: all that the run knew did."
    )
    run: ClusterRun | None = strawberry.field(
        description="The run that found the evidence; null where the chain was never clustered."
    )


class _Basis(TypedDict):
    complete: bool
    threshold: float
    as_of_block: BigInt | None
    run: ClusterRun | None


def basis(found: Basis) -> _Basis:
    """The fields of ``ClusterBasis``."""
    return {
        "complete": found.complete,
        "threshold": found.threshold,
        "as_of_block": None if found.block is None else BigInt(found.block),
        "run": None if found.run is None else ClusterRun.of(found.run),
    }


_FORMAT: Final[dict[str, str | Argument]] = {"format": "How it is written."}


@strawberry.type(description="The wallets that are one with a wallet on certain terms.")
class ClusterReplay(ClusterBasis):
    """Worked out for this answer; what is published stays as it is."""

    size: int = strawberry.field(description="How many wallets; 1 where nothing links it.")
    account_ids: list[AccountId] = strawberry.field(
        description=f"CAIP-10 ids of the wallets in their order, up to {MOST_SHOWN:,}."
    )
    evidence: list[ClusterEvidence] = strawberry.field(
        description=f"The links among them, up to {MOST_SHOWN:,}."
    )
    suspicion: Suspicion | None = strawberry.field(
        description="Why it was not merged as far as its evidence goes."
    )
    refused: list[ClusterEvidence] = strawberry.field(description="Links that were refused.")
    found: strawberry.Private[Replay]

    export: str | None = batched(
        exports.replays,
        key="found",
        cost=5,
        arguments=_FORMAT,
        description="All of it as the text of a file.",
    )

    @classmethod
    def of(cls, found: Replay) -> "ClusterReplay":
        """As clients see it."""
        return cls(
            **basis(found),
            size=len(found.wallets),
            account_ids=list(found.wallets[:MOST_SHOWN]),
            evidence=[ClusterEvidence.of(row) for row in found.evidence[:MOST_SHOWN]],
            suspicion=found.suspicion,
            refused=[ClusterEvidence.of(row) for row in found.refused[:MOST_SHOWN]],
            found=found,
        )


@strawberry.type(description="Why two wallets are taken for one, or are not.")
class ClusterExplanation(ClusterBasis):
    """The chain of evidence that is most likely right."""

    links: list[ClusterEvidence] = strawberry.field(
        description="Evidence from `a` to `b` in its order; empty where none leads there."
    )
    confidence: float | None = strawberry.field(
        description="Product of the links' confidences; null where there is no chain."
    )
    published: bool = strawberry.field(
        description="Whether the published run has both in one cluster. It may refuse a link that "
        "is shown here."
    )
    found: strawberry.Private[Explanation]

    export: str | None = batched(
        exports.explanations,
        key="found",
        cost=5,
        arguments=_FORMAT,
        description="The links as the text of a file.",
    )

    @classmethod
    def of(cls, found: Explanation) -> "ClusterExplanation":
        """As clients see it."""
        return cls(
            **basis(found),
            links=[ClusterEvidence.of(row) for row in found.links],
            confidence=found.confidence,
            published=found.published,
            found=found,
        )


@strawberry.input(
    description=(
        "Kinds of evidence, put together like sets of pairs: those that one of `anyOf` links, that "
        "all of `allOf` link, and none of `noneOf`. An empty list says nothing."
    )
)
class HeuristicChoice:
    """What a question wants to count."""

    any_of: list[Heuristic] = strawberry.field(
        default_factory=list, description="At least one of these links the pair."
    )
    all_of: list[Heuristic] = strawberry.field(
        default_factory=list, description="Each of these links the pair."
    )
    none_of: list[Heuristic] = strawberry.field(
        default_factory=list, description="None of these links the pair."
    )
    any_of_choices: "list[HeuristicChoice]" = strawberry.field(
        default_factory=list, description="Beside `anyOf`: choices of their own."
    )

    def asked(self) -> Choice:
        """As the methods take it."""
        named = len(self.any_of) + len(self.all_of) + len(self.none_of)
        if named + len(self.any_of_choices) > _MOST_PARTS:
            raise BadInput(f"A choice of heuristics has {_MOST_PARTS} parts at most.")
        return Choice(
            any_of=(*self.any_of, *(choice.asked() for choice in self.any_of_choices)),
            all_of=tuple(self.all_of),
            none_of=tuple(self.none_of),
        )


async def _replay(
    graph: Graph,
    *,
    by: AccountId,
    threshold: float = THRESHOLD,
    heuristics: Choice | None = None,
    as_of_block: int | None = None,
    as_of: datetime | None = None,
    now: datetime,
) -> Replay:
    terms = Terms(threshold=threshold, choice=heuristics, as_of_block=as_of_block, as_of=as_of)
    return await replays.replay(graph, by, terms, now=now)


async def _explain(
    graph: Graph,
    *,
    a: AccountId,
    b: AccountId,
    threshold: float = THRESHOLD,
    heuristics: Choice | None = None,
    as_of_block: int | None = None,
    as_of: datetime | None = None,
) -> Explanation:
    terms = Terms(threshold=threshold, choice=heuristics, as_of_block=as_of_block, as_of=as_of)
    return await replays.explain(graph, a, b, terms)


async def _request_clustering(
    vault: Door, *, chain: ChainId, principal: Principal, now: datetime
) -> JobRow:
    return await jobs.request_clustering(vault, chain=chain, principal=principal, now=now)


def _cluster(id: str) -> str:
    return id


def _chain(chain: ChainId) -> ChainId:
    return chain


_TERMS: Final[dict[str, str | Argument]] = {
    "threshold": "Less sure evidence does not count: a fraction in (0, 1].",
    "heuristics": Argument("Which evidence counts; all, when absent.", type=HeuristicChoice | None),
    "as_of_block": Argument(
        "Evidence that became known in later blocks does not count.", type=BigInt | None
    ),
    "as_of": "The same by time; give one of them at most.",
}


@strawberry.type
class ClusterQuery:
    """Questions about who is one."""

    cluster: Cluster | None = root(
        clusters.by_ids,
        key=_cluster,
        of=Cluster.of,
        arguments={"id": "A `clusterId`; one that has been merged leads to what it became."},
        description="A cluster by its id; null where nothing of that name is, or has become one.",
    )
    cluster_run: ClusterRun | None = root(
        clusters.published,
        key=_chain,
        of=ClusterRun.of,
        arguments={"chain": "Such as `ethereum`, or the CAIP-2 id."},
        description="The published run of a chain; null where it was never clustered.",
    )
    cluster_replay: ClusterReplay = root(
        _replay,
        of=ClusterReplay.of,
        cost=50,
        arguments={"by": Argument("The wallet.", type=WalletLookup), **_TERMS},
        description="Who is one with a wallet at another threshold, by other evidence, as of "
        "another block.",
    )
    explain_cluster: ClusterExplanation = root(
        _explain,
        of=ClusterExplanation.of,
        cost=50,
        arguments={
            "a": Argument("One wallet.", type=WalletLookup),
            "b": Argument("The other, of the same chain.", type=WalletLookup),
            **_TERMS,
        },
        description="The chain of evidence from one wallet to another that is most likely right.",
    )


@strawberry.type
class ClusterMutation:
    """Asking for a run."""

    request_clustering: Job = change(
        _request_clustering,
        of=Job.of,
        arguments={"chain": "Such as `ethereum`, or the CAIP-2 id."},
        description=(
            "Find who is one on a chain and publish it. Asked again while a run is under way it "
            "answers the same job. A run after new blocks reads these alone where it can; it "
            "publishes the same as one that reads everything."
        ),
    )
