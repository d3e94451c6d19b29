"""How alerts go out, as the settings say."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from graph_api.domain.targets import Reach
from graph_api.services.notices import TEST
from graph_api.settings import Settings
from graph_api.vault.jobs import Job
from graph_api.vault.sealing import Seal, seal_of
from graph_api.vault.vault import Vault
from ingest.jobs.workers import JobWorker, Ring, Tell, nobody
from ingest.pipelines.noticing import KEPT, PATIENCE, Noticer, Sender
from ingest.providers.mail import MailServer, mail_server_of
from ingest.providers.posting import Poster

_AGAIN: Final = "Mend the destination, and test it again."


class NoticeWork(msgspec.Struct, frozen=True, kw_only=True):
    """By what notices are sent, how many at once, and for how long."""

    seal: Seal | None = None
    reach: Reach = Reach()
    mail_server: MailServer | None = None
    at_once: int = 8
    patience: timedelta = PATIENCE
    kept: timedelta = KEPT

    def noticer(self, vault: Vault, *, clock: Callable[[], datetime]) -> Noticer:
        """Who makes and sends them."""
        poster = Poster(self.reach, clock=clock)
        return Noticer(
            vault,
            Sender(poster, clock=clock, mail_server=self.mail_server),
            seal=self.seal,
            clock=clock,
            # Only spreads tries over time.
            random=random.random,
            at_once=self.at_once,
            patience=self.patience,
            kept=self.kept,
        )


def destination_test_worker(
    noticer: Noticer, vault: Vault, *, clock: Callable[[], datetime], ring: Ring = nobody
) -> JobWorker:
    """Works off tests of destinations, one at a time."""

    async def do(job: Job, tell: Tell) -> Any:
        return msgspec.to_builtins(await noticer.test(job))

    return JobWorker(vault, TEST, do, clock=clock, remedy=_AGAIN, ring=ring)


def notice_work(settings: Settings) -> NoticeWork:
    """What the settings say. Raises: BadInput."""
    given, keys = settings.notices, settings.vault.keys
    server = None
    if given.smtp_url is not None:
        server = mail_server_of(given.smtp_url.get_secret_value(), sender=given.mail_from or "")
    return NoticeWork(
        seal=seal_of(
            keys.get_secret_value() if keys else None,
            home=settings.home,
            shared=settings.vault.shared,
        ),
        reach=given.reach,
        mail_server=server,
        at_once=given.at_once,
        patience=timedelta(days=given.patience_days),
        kept=timedelta(days=given.kept_days),
    )
