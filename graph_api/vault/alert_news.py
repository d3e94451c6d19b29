"""What becomes of alerts, of all workspaces, numbered without a gap as it happens."""

import secrets
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row, Select, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from graph_api.domain.alerts import AlertNews, Severity
from graph_api.domain.principals import LOCAL
from graph_api.vault.counters import count_up, hold, is_counter
from graph_api.vault.tables import alert_news, alerts, counters
from graph_api.vault.vault import Door

#: The counter of news of alerts, of all workspaces.
NEWS: Final = "alert_news"


class NewsRow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an alert, numbered."""

    number: int
    news: AlertNews
    at: datetime
    workspace: str
    alert: str
    rule: str
    kind: str
    severity: Severity


class NewsState(msgspec.Struct, frozen=True):
    """Which history of numbers the news are of, and the last of them."""

    epoch: str
    last: int


async def state(vault: Door) -> NewsState | None:
    """Where the news stand; None before the first."""
    question = select(counters.c.epoch, counters.c.last).where(is_counter(LOCAL.workspace, NEWS))
    async with vault.reading() as connection:
        row = (await connection.execute(question)).one_or_none()
    return None if row is None or row.epoch is None else NewsState(row.epoch, row.last)


async def renew(vault: Door, epoch: str) -> None:
    """Begin a new history of numbers where it is still ``epoch``."""
    here = and_(is_counter(LOCAL.workspace, NEWS), counters.c.epoch == epoch)
    async with vault.writing() as connection:
        await connection.execute(update(counters).where(here).values(epoch=_new_epoch()))


async def after(vault: Door, number: int, *, limit: int) -> list[NewsRow]:
    """Up to ``limit`` news that follow ``number``, in order."""
    question = (
        _news().where(alert_news.c.number > number).order_by(alert_news.c.number).limit(limit)
    )
    async with vault.reading() as connection:
        return [_news_row(row) for row in await connection.execute(question)]


async def hold_news(connection: AsyncConnection) -> None:
    """Let nobody else number news until the transaction ends.

    Everybody who changes alerts does so first, so that no two wait for each other.
    """
    await hold(connection, LOCAL, NEWS, epoch=_new_epoch())


async def tell(
    connection: AsyncConnection,
    workspace: str,
    principal: str,
    *,
    alert: str,
    news: AlertNews,
    now: datetime,
) -> None:
    """Number what becomes of an alert, in the transaction in which it does and holds the news."""
    number = await count_up(connection, LOCAL, NEWS)
    row = {
        "workspace": workspace,
        "number": number,
        "principal": principal,
        "alert": alert,
        "news": news.value,
        "at": now,
    }
    await connection.execute(insert(alert_news).values(row))


def _new_epoch() -> str:
    return secrets.token_hex(6)


def _news() -> Select[Any]:
    return select(
        alert_news.c.number,
        alert_news.c.news,
        alert_news.c.at,
        alert_news.c.workspace,
        alert_news.c.alert,
        alerts.c.rule,
        alerts.c.kind,
        alerts.c.severity,
    ).join(
        alerts,
        and_(alerts.c.workspace == alert_news.c.workspace, alerts.c.id == alert_news.c.alert),
    )


def _news_row(row: Row[Any]) -> NewsRow:
    return NewsRow(
        **{**row._mapping, "news": AlertNews(row.news), "severity": Severity(row.severity)}
    )
