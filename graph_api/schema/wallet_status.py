"""Wallets that somebody asks for: what is known of an address, and having its history read.

An address that nothing is loaded of has a way on: ``walletStatus`` tells it, ``requestWallet``
takes it.
"""

from datetime import datetime

import strawberry

from graph_api.domain.addresses import shown_address
from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId, ChainId, address_of, chain_id_of
from graph_api.domain.principals import Principal
from graph_api.domain.wallet_loads import Part
from graph_api.schema.changes import change
from graph_api.schema.context import Context
from graph_api.schema.inputs import WalletLookup
from graph_api.schema.jobs import Job
from graph_api.schema.ledger import Wallet
from graph_api.schema.scalars import BigInt
from graph_api.schema.scanning import BlockSpan
from graph_api.schema.steps import Argument, batched, extends, root
from graph_api.services import jobs, standings
from graph_api.services.standings import Knowledge, Standing
from graph_api.store import histories
from graph_api.store.histories import History
from graph_api.vault.jobs import Job as JobRow
from graph_api.vault.vault import Door, Vault

strawberry.enum(
    Knowledge,
    name="WalletKnowledge",
    description=(
        "What is known of a wallet: something is loaded of it (KNOWN), a job is reading it "
        "(FETCHING), it was read and there is nothing (EMPTY), or nobody has asked (UNKNOWN)."
    ),
)


@strawberry.type(description="What was read of one part of a wallet's history, by request.")
class WalletHistory:
    """Of all requests together."""

    part: Part = strawberry.field(description="Which part.")
    source: str = strawberry.field(description="Who told it last.")
    spans: list[BlockSpan] = strawberry.field(description="The blocks that were read, ascending.")
    complete: bool = strawberry.field(
        description="Whether nothing was left, from the first block on, when it was read last."
    )
    facts: int = strawberry.field(description="How many facts were told.")
    updated_at: datetime = strawberry.field(description="When it was read last.")

    @classmethod
    def of(cls, found: History) -> "WalletHistory":
        """As clients see it."""
        return cls(
            part=found.part,
            source=found.source,
            spans=[BlockSpan(first=BigInt(low), last=BigInt(high)) for low, high in found.spans],
            complete=found.done,
            facts=found.facts,
            updated_at=found.updated_at,
        )


@extends(Wallet)
class WalletHistories:
    """What was asked for of a wallet."""

    histories: list[WalletHistory] = batched(
        histories.of_wallets,
        key="account_id",
        of=WalletHistory.of,
        description=(
            "What of its history was read by request, part by part; empty where nobody has asked. "
            "Blocks that were followed whole are told by `scanners`."
        ),
    )


@strawberry.type(description="What is known of an address, be anything loaded of it or not.")
class WalletStatus:
    """Never the end of the way."""

    account_id: AccountId = strawberry.field(description="CAIP-10 id.")
    chain_id: ChainId = strawberry.field(description="CAIP-2 id of its chain.")
    address: str = strawberry.field(description="As people write it: EIP-55 on EVM chains.")
    state: Knowledge = strawberry.field(description="How much is known.")
    way_on: str = strawberry.field(description="What to do to know more, in a sentence.")
    wallet: Wallet | None = strawberry.field(description="What is loaded; null while nothing is.")
    histories: list[WalletHistory] = strawberry.field(
        description="What of its history was read by request, part by part."
    )
    followed: list[BlockSpan] = strawberry.field(
        description="Blocks of its chain that were fetched whole, so that nothing of it is missing."
    )
    job: Job | None = strawberry.field(
        description="The newest job about it in this workspace; null where there is none."
    )

    @classmethod
    def of(cls, found: Standing) -> "WalletStatus":
        """As clients see it."""
        chain = chain_of(chain_id_of(found.account))
        edges = found.followed
        return cls(
            account_id=found.account,
            chain_id=ChainId(chain.id),
            address=shown_address(chain, address_of(found.account)),
            state=found.knowledge,
            way_on=found.way_on,
            wallet=Wallet.of(found.row) if found.row else None,
            histories=[WalletHistory.of(one) for one in found.histories],
            followed=[
                BlockSpan(first=BigInt(low), last=BigInt(high))
                for low, high in zip(edges[::2], edges[1::2], strict=True)
            ],
            job=Job.of(found.job) if found.job else None,
        )


def _wallet(by: WalletLookup) -> AccountId:
    return by.asked()


async def _standings(
    context: Context, accounts: list[AccountId], *, principal: Principal
) -> dict[AccountId, Standing]:
    vault = context.part(Vault)
    return await standings.of_wallets(context.graph, vault, accounts, principal=principal)


async def _request_wallet(
    vault: Door, *, by: AccountId, principal: Principal, now: datetime
) -> JobRow:
    return await jobs.request_wallet(vault, wallet=by, principal=principal, now=now)


@strawberry.type
class WalletStatusQuery:
    """What is known of an address."""

    wallet_status: WalletStatus = root(
        _standings,
        key=_wallet,
        of=WalletStatus.of,
        cost=4,
        arguments={"by": "Its name."},
        description=(
            "What is known of an address, and how to know more: also of one that nothing is loaded "
            "of, where `wallet` answers null."
        ),
        fresh=True,
    )


@strawberry.type
class WalletRequestMutation:
    """Asking for what is not known."""

    request_wallet: Job = change(
        _request_wallet,
        of=Job.of,
        arguments={"by": Argument("Its name.", type=WalletLookup)},
        description=(
            "Read the history of a wallet, newest first, within the budget of "
            "`DESKGRAPH_WALLETS__…`. Asked again while it is read it answers the same job; "
            "afterwards a new one, which goes on where the last one ended."
        ),
    )
