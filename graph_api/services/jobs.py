"""Long work that somebody asked for: what can be asked for, how it goes, and calling it off."""

from datetime import datetime
from typing import Any, Final

from graph_api.domain.errors import BadInput, TooCostly
from graph_api.domain.events import ANY_CHAIN, Event, News, Topic
from graph_api.domain.ids import AccountId, ChainId, chain_id_of
from graph_api.domain.pages import Page, Slice
from graph_api.domain.principals import Principal
from graph_api.live.streams import Streams
from graph_api.services.places import placed, window
from graph_api.vault import jobs
from graph_api.vault.ids import new_id
from graph_api.vault.jobs import Job, JobState
from graph_api.vault.vault import Door, Vault

#: Reads the history of a wallet; its subject is the account.
WALLET: Final = "wallet"
#: Finds who is one on a chain; its subject is the chain.
CLUSTERING: Final = "clustering"
#: How many jobs of a workspace may wait or run at once.
MOST_ACTIVE: Final = 200


def news_of(job: Job) -> News:
    """That something about ``job`` has changed; what it is stands in the vault."""
    body = {"job": job.id, "workspace": job.workspace, "state": job.state.value}
    return News(topic=Topic.INGEST_PROGRESS, body=body)


def ends(event: Event) -> bool:
    """Whether nothing follows this news of a job."""
    return event.body["state"] in jobs.FINAL


async def ring(streams: Streams, job: Job, *, epoch: str, now: datetime) -> None:
    """Tell those who wait that something about ``job`` has changed. Raises: UpstreamUnavailable."""
    await streams.tell(ANY_CHAIN, [news_of(job)], now=now, epoch=epoch)


async def request_wallet(
    vault: Door, *, wallet: AccountId, principal: Principal, now: datetime
) -> Job:
    """Ask for the history of ``wallet``; the job that is at it already, if there is one.

    What an earlier job has read is not read again. Raises: TooCostly when too many jobs wait.
    """
    arguments = {"account": wallet, "chain": chain_id_of(wallet)}
    return await _request(vault, principal, WALLET, wallet, arguments=arguments, now=now)


async def request_clustering(
    vault: Door, *, chain: ChainId, principal: Principal, now: datetime
) -> Job:
    """Ask for a run of clustering on ``chain``; the job that is at it already, if there is one.

    Raises: TooCostly when too many jobs wait.
    """
    return await _request(vault, principal, CLUSTERING, chain, arguments={"chain": chain}, now=now)


async def require_room(vault: Door, principal: Principal) -> None:
    """Refuse another job while very many wait or run. Raises: TooCostly."""
    if await jobs.active(vault, principal) >= MOST_ACTIVE:
        raise TooCostly(
            f"{MOST_ACTIVE} jobs of this workspace wait or run; wait for some, or cancel some."
        )


async def enqueue(
    vault: Door,
    principal: Principal,
    kind: str,
    *,
    arguments: dict[str, Any],
    now: datetime,
    subject: str | None = None,
) -> Job:
    """Ask for work; where a job of that kind about ``subject`` has not ended, it is that one."""
    return await jobs.enqueue(
        vault,
        principal,
        id=new_id(now),
        kind=kind,
        arguments=arguments,
        subject=subject,
        now=now,
    )


async def _request(
    vault: Door,
    principal: Principal,
    kind: str,
    subject: str,
    *,
    arguments: dict[str, Any],
    now: datetime,
) -> Job:
    newest = (await jobs.newest_about(vault, principal, [subject], kind=kind)).get(subject)
    if newest is not None and newest.state in jobs.ACTIVE:
        return newest
    await require_room(vault, principal)
    return await enqueue(vault, principal, kind, arguments=arguments, subject=subject, now=now)


async def by_ids(vault: Vault, ids: list[str], *, principal: Principal) -> dict[str, Job]:
    """The jobs of the workspace with these ids."""
    return await jobs.by_ids(vault, principal, ids)


async def of_wallets(
    vault: Door, wallets: list[AccountId], *, principal: Principal
) -> dict[AccountId, Job]:
    """The newest job about each wallet."""
    found = await jobs.newest_about(vault, principal, wallets, kind=WALLET)
    return {AccountId(subject): job for subject, job in found.items()}


async def history(
    vault: Vault,
    *,
    page: Page,
    principal: Principal,
    states: tuple[JobState, ...] | None = None,
    wallet: AccountId | None = None,
) -> Slice[Job]:
    """The workspace's jobs, the newest first; of some states or about a wallet where these are
    named.
    """
    found = await jobs.history(vault, principal, window(page), states=states, subject=wallet)
    return placed(found, lambda job: (job.created_at, job.id))


async def cancel(vault: Door, *, id: str, principal: Principal, now: datetime) -> Job:
    """Call a job off; what it has done stays. Raises: NotFound."""
    if not 1 <= len(id) <= 60 or not id.isprintable():
        raise BadInput("The id of a job has 1 to 60 printable characters.")
    return await jobs.cancel(vault, principal, id, now=now)
