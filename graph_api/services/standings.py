"""What is known of wallets, what of their histories was read, and who is reading more."""

import asyncio
from enum import StrEnum

import msgspec

from graph_api.domain.ids import AccountId, ChainId, chain_id_of
from graph_api.domain.principals import Principal
from graph_api.services import jobs
from graph_api.store import histories, scanners, wallets
from graph_api.store.graph import Graph
from graph_api.store.histories import History
from graph_api.store.wallets import WalletRow
from graph_api.vault.jobs import ACTIVE, Job, JobState
from graph_api.vault.vault import Vault


class Knowledge(StrEnum):
    """How much is known of a wallet."""

    KNOWN = "known"
    FETCHING = "fetching"
    EMPTY = "empty"
    UNKNOWN = "unknown"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One wallet, known or not.

    ``followed`` are first and last block of everything that was fetched of its chain whole.
    """

    account: AccountId
    row: WalletRow | None
    histories: tuple[History, ...]
    followed: tuple[int, ...]
    job: Job | None

    @property
    def knowledge(self) -> Knowledge:
        """How much is known."""
        if self.job is not None and self.job.state in ACTIVE:
            return Knowledge.FETCHING
        if self.row is not None:
            return Knowledge.KNOWN
        if self.histories and all(one.done for one in self.histories):
            return Knowledge.EMPTY
        return Knowledge.UNKNOWN

    @property
    def way_on(self) -> str:
        """What to do to know more, in a sentence."""
        job = self.job
        if job is not None and job.state in ACTIVE:
            return f"Job {job.id} reads it; `jobProgress` tells how it goes."
        if job is not None and job.state is JobState.FAILED:
            return " ".join(filter(None, (job.error, job.remedy)))
        unread = [one for one in self.histories if not one.done]
        if self.histories and not unread:
            last = min(one.ranges[-1] for one in self.histories)
            return f"All was read up to block {last}; `requestWallet` reads what came later."
        if unread:
            return "Some of its history was read; `requestWallet` goes on from there."
        return "Its history was not asked for yet; `requestWallet` reads it."


async def of_wallets(
    graph: Graph, vault: Vault, accounts: list[AccountId], *, principal: Principal
) -> dict[AccountId, Standing]:
    """The standing of each wallet, also of those that nobody has ever heard of."""
    chains = sorted({ChainId(chain_id_of(account)) for account in accounts})
    followed = asyncio.gather(*(scanners.by_chain(graph, chain) for chain in chains))
    rows, read, asked, scanned = await asyncio.gather(
        wallets.by_ids(graph, accounts),
        histories.of_wallets(graph, accounts),
        jobs.of_wallets(vault, accounts, principal=principal),
        followed,
    )
    ranges = {one.chain: tuple(one.ranges) for one in scanned if one is not None}
    return {
        account: Standing(
            account=account,
            row=rows.get(account),
            histories=tuple(read.get(account, ())),
            followed=ranges.get(chain_id_of(account), ()),
            job=asked.get(account),
        )
        for account in accounts
    }
