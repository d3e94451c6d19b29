"""Paths in time: the best ways that value could have taken from one wallet to another."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

import strawberry

from graph_api.analysis.paths.wishes import PathOrder
from graph_api.domain.ids import AccountId, ChainId, TokenId, TransactionId, TransferId
from graph_api.schema.as_of import AsOf
from graph_api.schema.ledger import Token, Transaction, Transfer, Wallet
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched, root
from graph_api.schema.walks import PathStop, PathWallet
from graph_api.services.timed_paths import answers, exports, running
from graph_api.services.timed_paths.answers import PathsAnswer, PathsEnded
from graph_api.services.timed_paths.ends import MOST as MOST_ENDS
from graph_api.services.timed_paths.questions import (
    BIGGEST_HUB,
    MOST_HOPS,
    MOST_PATHS,
    PathEnd,
    PathsQuestion,
)
from graph_api.services.timed_paths.running import AT_ONCE
from graph_api.services.walks import HUB
from graph_api.store import tokens, transactions, transfers, wallets

strawberry.enum(
    PathOrder,
    description=(
        "What makes a path better than another. HOPS: it has fewer. AMOUNT: its smallest hop is "
        "larger; needs a `token`. EARLIEST_ARRIVAL, LATEST_DEPARTURE: it ends earlier, or begins "
        "later. FASTEST: less time lies between its first and its last hop. Of equals, that of "
        "fewer hops is better, then the one that arrives first."
    ),
)
strawberry.enum(
    PathsEnded,
    description=(
        "How a search ended. COMPLETE: of all paths that may be taken, these are the best. "
        "Otherwise they are the best of up to `searchedHops` hops, because a part of the budget "
        "would not have sufficed for more: FLOWS or TRANSFERS to look at, or CHOICES to try."
    ),
)


@strawberry.input(one_of=True, description="Where a path may begin or end.")
class PathEndInput:
    """Exactly one of its fields is given."""

    wallet: AccountId | None = strawberry.field(
        default=strawberry.UNSET, description="This wallet."
    )
    actor: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Any wallet that labels call this actor's: its id.",
    )
    cluster: str | None = strawberry.field(
        default=strawberry.UNSET, description="Any wallet of this cluster: its `clusterId`."
    )

    def asked(self) -> PathEnd:
        """What services understand. Raises: BadInput."""
        return PathEnd(
            wallet=self.wallet or None, actor=self.actor or None, cluster=self.cluster or None
        )


@strawberry.type(description="One transfer of a path.")
class TimedPathHop:
    """A hop: it comes later than the one before."""

    from_id: AccountId = strawberry.field(description="CAIP-10 id of who sent.")
    to_id: AccountId = strawberry.field(description="CAIP-10 id of who received.")
    transfer_id: str = strawberry.field(description="Id of the transfer.")
    transaction_id: str | None = strawberry.field(
        description="Its transaction, as `chain:hash`; null where the source tells none."
    )
    token_id: TokenId | None = strawberry.field(
        description="CAIP-19 id of the token; null where the source names none."
    )
    amount_raw: BigInt | None = strawberry.field(
        description="How much, in base units; null where nobody knows."
    )
    block_number: BigInt | None = strawberry.field(description="Its block, where known.")
    block_time: datetime | None = strawberry.field(description="Its time, where known.")
    by_transfer: strawberry.Private[TransferId]
    by_transaction: strawberry.Private[TransactionId | None]

    transfer: Transfer | None = batched(
        transfers.by_ids, key="by_transfer", of=Transfer.of, description="The transfer itself."
    )
    transaction: Transaction | None = batched(
        transactions.by_ids,
        key="by_transaction",
        of=Transaction.of,
        description="The transaction that carried it.",
    )
    token: Token | None = batched(
        tokens.by_ids, key="token_id", of=Token.of, description="What was moved."
    )
    from_wallet: Wallet | None = batched(
        wallets.by_ids, key="from_id", of=Wallet.of, description="Who sent."
    )
    to_wallet: Wallet | None = batched(
        wallets.by_ids, key="to_id", of=Wallet.of, description="Who received."
    )

    @classmethod
    def of(cls, hop: answers.PathHop) -> "TimedPathHop":
        """As clients see it."""
        return cls(
            from_id=hop.sender,
            to_id=hop.recipient,
            transfer_id=hop.transfer,
            transaction_id=hop.transaction,
            token_id=hop.token,
            amount_raw=None if hop.amount_raw is None else BigInt(int(hop.amount_raw)),
            block_number=None if hop.block_number is None else BigInt(hop.block_number),
            block_time=hop.block_time,
            by_transfer=hop.transfer,
            by_transaction=hop.transaction,
        )


@strawberry.type(
    description="A way that value could have taken: each hop later than the one before."
)
class TimedPath:
    """It passes no wallet twice."""

    hop_count: int = strawberry.field(description="How many hops it has.")
    hops: list[TimedPathHop] = strawberry.field(description="Its transfers, in time.")
    wallets: list[PathWallet] = strawberry.field(
        description="The wallets that it leads through, from the first to the last."
    )
    departed_at: datetime | None = strawberry.field(description="Time of its first hop, if known.")
    arrived_at: datetime | None = strawberry.field(description="Time of its last hop, if known.")
    seconds: float | None = strawberry.field(
        description="Seconds between the two; null where one is not known."
    )
    least_raw: BigInt | None = strawberry.field(
        description="Its smallest hop, in base units; null where hops differ in token, or an "
        "amount is not known."
    )

    @classmethod
    def of(cls, path: answers.TimedPath) -> "TimedPath":
        """As clients see it."""
        return cls(
            hop_count=len(path.hops),
            hops=[TimedPathHop.of(hop) for hop in path.hops],
            wallets=[PathWallet(account_id=wallet) for wallet in path.wallets],
            departed_at=path.hops[0].block_time,
            arrived_at=path.hops[-1].block_time,
            seconds=path.seconds,
            least_raw=None if path.least_raw is None else BigInt(int(path.least_raw)),
        )


@strawberry.type(description="The best paths in time, what they rest on, and what they cost.")
class TimedPaths:
    """One answer."""

    ended: PathsEnded = strawberry.field(description="How the search ended.")
    searched_hops: int = strawberry.field(
        description="All paths of up to so many hops were considered; with HOPS, longer ones need "
        "not be once there are enough."
    )
    paths: list[TimedPath] = strawberry.field(description="The paths, the best first.")
    as_of: AsOf = strawberry.field(description="Up to where the chain was known.")
    from_count: int = strawberry.field(description="How many wallets it looked from.")
    to_count: int = strawberry.field(description="How many wallets it looked for.")
    ends_cut: bool = strawberry.field(
        description=f"Whether an actor or a cluster has more than {MOST_ENDS} wallets; the surest, "
        "or the first by id, were taken."
    )
    stopped_at: list[PathStop] = strawberry.field(
        description="Wallets that the search met and did not pass, the first that it met, up to "
        "100."
    )
    stopped_count: int = strawberry.field(description="How many there were.")
    wallets_seen: int = strawberry.field(description="How many wallets the search saw.")
    flows_read: int = strawberry.field(
        description=f"How many flows it looked at, at most {AT_ONCE.flows:,}."
    )
    transfers_read: int = strawberry.field(
        description=f"How many transfers it looked at, at most {AT_ONCE.transfers:,}."
    )
    uncounted: int = strawberry.field(
        description="Transfers on the way that could not be judged, because no block and time, or "
        "an amount or token that decides, is known of them."
    )
    found: strawberry.Private[PathsAnswer]

    export: str | None = batched(
        exports.exports,
        key="found",
        cost=5,
        arguments={"format": "How it is written."},
        description="All of it as the text of a file; CSV has a row for each hop.",
    )

    @classmethod
    def of(cls, found: PathsAnswer) -> "TimedPaths":
        """As clients see it."""
        return cls(
            ended=found.ended,
            searched_hops=found.searched_hops,
            paths=[TimedPath.of(path) for path in found.paths],
            as_of=AsOf.of(found.as_of),
            from_count=found.starts,
            to_count=found.ends,
            ends_cut=found.cut,
            stopped_at=[PathStop.of(one) for one in found.stopped_at],
            stopped_count=found.stopped,
            wallets_seen=found.wallets_seen,
            flows_read=found.flows_read,
            transfers_read=found.transfers_read,
            uncounted=found.uncounted,
            found=found,
        )


def _question(
    from_: Annotated[
        PathEndInput, strawberry.argument(name="from", description="Where paths begin.")
    ],
    to: PathEndInput,
    chain: ChainId | None = None,
    k: int = 5,
    by: PathOrder = PathOrder.HOPS,
    max_hops: int = MOST_HOPS,
    token: TokenId | None = None,
    min_raw: BigInt | None = None,
    continuity: Decimal | None = None,
    distinct_routes: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    as_of: datetime | None = None,
    as_of_block: BigInt | None = None,
    hub: int = HUB,
    through_services: bool = False,
) -> PathsQuestion:
    return PathsQuestion(
        start=from_.asked(),
        end=to.asked(),
        chain=chain,
        count=k,
        by=by,
        max_hops=max_hops,
        token=token,
        min_raw=None if min_raw is None else int(min_raw),
        continuity=continuity,
        routes=distinct_routes,
        since=since,
        until=until,
        as_of=as_of,
        as_of_block=as_of_block,
        hub=hub,
        through_services=through_services,
    )


_ARGUMENTS: Final = {
    "to": "Where paths end. They pass no other wallet of either end.",
    "chain": "On which chain; needed between two actors.",
    "k": f"How many paths: 1 to {MOST_PATHS}.",
    "by": "Which are the best.",
    "max_hops": f"How many hops a path may have: 1 to {MOST_HOPS}.",
    "token": "Only transfers of this token.",
    "min_raw": "Only transfers of so many base units at least; never those of nothing.",
    "continuity": (
        "A share above 0, and 1 at most: each hop is of the same token as the one before, and of "
        "that share of its amount at least. Null asks for neither."
    ),
    "distinct_routes": "Of paths through the same wallets in the same order, only the best.",
    "since": "Only transfers since then.",
    "until": "Only transfers up to then.",
    "as_of": "As it was known at this moment, labels included; now if null.",
    "as_of_block": "As the chain was at this block; the newest if null.",
    "hub": f"Wallets with more flows are not passed: 1 to {BIGGEST_HUB:,}.",
    "through_services": "Pass wallets that labels call services, too.",
}


@strawberry.type
class PathQuery:
    """Where paths in time are asked for."""

    paths: TimedPaths | None = root(
        running.paths,
        key=_question,
        of=TimedPaths.of,
        cost=50,
        arguments=_ARGUMENTS,
        description=(
            "The best ways that value could have taken in time: transfers of which each is later, "
            "by block, transaction and position, than the one before. It passes neither services "
            "nor hubs, and says where it stopped; null when nothing of one of the ends is loaded."
        ),
    )
