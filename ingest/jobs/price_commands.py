"""The commands of prices: ``ingest prices``, and ``prices list|show|ask|prune``."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

from graph_api.domain.assets import Asset, asset_named
from graph_api.domain.errors import BadInput, GraphApiError, NotFound
from graph_api.domain.thinning import Keeping
from graph_api.settings import PriceSettings, Settings
from graph_api.store import prices
from graph_api.store.graph import Graph
from graph_api.store.ledger.turn import Turn
from graph_api.store.prices import Moment
from graph_api.store.records import moment
from ingest.jobs import interrupts
from ingest.jobs.markets import assets_of, market
from ingest.jobs.marking import marking
from ingest.pipelines.pricing import Pricer, Swept
from ingest.pipelines.thinning import Thinned, Thinner
from ingest.pipelines.ticking import Asked, ask
from ingest.sources import cells

Door = Callable[[Settings], AbstractAsyncContextManager[Graph]]
BusOf = Callable[[Settings], str | None]

_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_DIGITS: Final = 8


class Unpriced(GraphApiError):
    """Sources could not be asked, so that transfers were left without a price."""


def add_to(group: click.Group, door: Door, *, bus: BusOf) -> None:
    """Add ``prices`` to ``group``; ``bus`` is told of changes of the graph."""

    @group.command("prices")
    @click.option("--asset", "names", multiple=True, help="Only this asset; may be given again.")
    @click.option("--since", metavar="TIME", help="Only transfers from then on.")
    @click.option("--until", metavar="TIME", help="Only transfers up to then.")
    @click.option("--reprice", is_flag=True, help="Also those that have a price.")
    @_JSON
    @click.pass_obj
    def prices_command(settings: Settings, /, **given: object) -> None:
        """Give transfers their value in US dollars at their time.

        Prices that the graph has not are asked for. What is priced stays priced: after an
        interruption the same command goes on.
        """
        interrupts.run(_price(door, settings, _Given(**given), bus=bus))  # type: ignore[arg-type]


def prices_group(door: Door, *, bus: BusOf) -> click.Group:
    """The group ``prices``; settings are the context's object. ``bus`` is told of changes."""

    @click.group("prices", context_settings={"help_option_names": ["-h", "--help"]})
    def group() -> None:
        """What assets cost, in US dollars."""

    @group.command("list")
    @_JSON
    @click.pass_obj
    def list_command(settings: Settings, /, as_json: bool) -> None:
        """Every asset of the graph with its newest price."""
        interrupts.run(_list(door, settings, as_json=as_json))

    @group.command("show")
    @click.argument("asset")
    @click.option("--at", metavar="TIME", help="As it was known then; else now.")
    @_JSON
    @click.pass_obj
    def show_command(settings: Settings, /, asset: str, at: str | None, as_json: bool) -> None:
        """What ASSET cost, who says so, and how old that is."""
        interrupts.run(_show(door, settings, asset, at=at, as_json=as_json))

    @group.command("ask")
    @click.argument("names", metavar="[ASSET]…", nargs=-1)
    @_JSON
    @click.pass_obj
    def ask_command(settings: Settings, /, names: tuple[str, ...], as_json: bool) -> None:
        """Ask every source now, and show what is made of it; the graph stays as it is."""
        interrupts.run(_ask(settings.prices, names, as_json=as_json))

    @group.command("prune")
    @click.option("--asset", "names", multiple=True, help="Only this asset; may be given again.")
    @click.option("--keep-days", type=click.IntRange(1), help="All are kept so long.")
    @click.option("--hourly-days", type=click.IntRange(0), help="After so long one a day is kept.")
    @click.option("--dry-run", is_flag=True, help="Say what would go, and leave it.")
    @_JSON
    @click.pass_obj
    def prune_command(settings: Settings, /, **given: object) -> None:
        """Thin out prices in time that are old: one an hour stays, later one a day.

        What a transfer is valued by stays for good. Whoever watches prices does this once a day.
        """
        interrupts.run(_prune(door, settings, _Pruning(**given), bus=bus))  # type: ignore[arg-type]

    return group


class _Pruning(msgspec.Struct, frozen=True, kw_only=True):
    names: tuple[str, ...]
    keep_days: int | None
    hourly_days: int | None
    dry_run: bool
    as_json: bool

    def keeping(self, settings: PriceSettings) -> Keeping:
        """As options say, else as settings do. Raises: BadInput where neither does."""
        days = settings.keep_days if self.keep_days is None else self.keep_days
        hourly = settings.hourly_days if self.hourly_days is None else self.hourly_days
        if not days:
            raise BadInput("Settings keep all prices for good; name --keep-days to thin them out.")
        return Keeping(all_days=days, hourly_days=hourly)


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    names: tuple[str, ...]
    since: str | None
    until: str | None
    reprice: bool
    as_json: bool


async def _price(door: Door, settings: Settings, given: _Given, *, bus: BusOf) -> None:
    since, until = cells.moment(given.since or ""), cells.moment(given.until or "")
    chosen = _chosen(settings.prices, given.names)
    async with (
        door(settings) as graph,
        market(settings.prices) as whole,
        marking(bus(settings)) as changed,
    ):
        with _progress(as_json=given.as_json) as show:

            def report(swept: Swept) -> None:
                changed()
                show(swept)

            narrow = msgspec.structs.replace(whole, assets=chosen)
            turn = Turn(graph, clock=_now)
            pricer = Pricer(graph, turn, narrow, report=report)
            work = pricer.reprice if given.reprice else pricer.price
            found = await work(since=since, until=until)
    _tell(found, as_json=given.as_json)
    for trouble in sorted(pricer.troubles.values()):
        click.echo(trouble, err=True)
    if pricer.troubles and any(swept.left for swept in found):
        raise Unpriced("Some sources could not be asked; run the same command again to go on.")


def _tell(found: list[Swept], *, as_json: bool) -> None:
    if as_json:
        for swept in found:
            click.echo(msgspec.json.encode(swept))
        return
    for swept in found:
        if swept.reason is not None:
            click.echo(f"{swept.asset} {swept.token} is not priced: {swept.reason}.", err=True)
    priced, left = sum(one.priced for one in found), sum(one.left for one in found)
    fetched = sum(one.fetched for one in found)
    click.echo(f"{priced:,} transfers priced, {left:,} left; {fetched:,} prices fetched.")


@contextmanager
def _progress(*, as_json: bool) -> Iterator[Callable[[Swept], None]]:
    """Shows how far each token is: a line that changes on a terminal, nothing elsewhere."""
    if as_json or not sys.stderr.isatty():
        yield lambda swept: None
        return
    with Console(stderr=True).status("Looking for transfers …") as status:

        def show(swept: Swept) -> None:
            status.update(f"{swept.asset}: {swept.seen:,} looked at, {swept.priced:,} priced")

        yield show


async def _prune(door: Door, settings: Settings, given: _Pruning, *, bus: BusOf) -> None:
    keeping = given.keeping(settings.prices)
    async with door(settings) as graph, marking(bus(settings)) as changed:

        def report(one: Thinned) -> None:
            if one.removed and not given.dry_run:
                changed()

        known = [row.id for row in await prices.assets(graph)]
        chosen = [asset.id for asset in _chosen(settings.prices, given.names)]
        assets = [id for id in known if id in chosen] if given.names else known
        thinner = Thinner(graph, keeping=keeping, clock=_now, report=report)
        found = await (thinner.look(assets) if given.dry_run else thinner.thin(assets))
    if given.as_json:
        for one in found:
            click.echo(msgspec.json.encode(one))
        return
    removed, pinned = sum(one.removed for one in found), sum(one.pinned for one in found)
    verb = "would go" if given.dry_run else "went"
    click.echo(f"{removed:,} prices {verb}; {pinned:,} stay as transfers are valued by them.")


async def _list(door: Door, settings: Settings, *, as_json: bool) -> None:
    async with door(settings) as graph:
        found = await prices.assets(graph)
    if as_json:
        for row in found:
            click.echo(msgspec.json.encode(row))
        return
    if not found:
        click.echo("The graph has no asset yet; `deskgraph ingest prices` makes them known.")
        return
    grid = Table("asset", "symbol", "US dollars", "age", "source", box=None)
    for row in found:
        age = "" if row.at is None else _age(_now() - row.at)
        usd = "" if row.usd is None else _short(Decimal(row.usd))
        grid.add_row(row.id, row.symbol, usd, age, row.source or "")
    Console().print(grid)


async def _show(
    door: Door, settings: Settings, name: str, *, at: str | None, as_json: bool
) -> None:
    asset = asset_named(name, assets_of(settings.prices))
    asked_ms = cells.moment(at or "")
    asked = None if asked_ms is None else moment(asked_ms)
    async with door(settings) as graph:
        key = Moment(asset=asset.id, at=asked)
        found = (await prices.at(graph, [key])).get(key)
        newest = (await prices.by_ids(graph, [asset.id])).get(asset.id)
    if asked is None and newest is not None and newest.usd and newest.source and newest.at:
        found = prices.PriceRow(asset=asset.id, usd=newest.usd, source=newest.source, at=newest.at)
    if found is None:
        when = "" if asked is None else f" of {asked:%Y-%m-%d %H:%M} or before"
        raise NotFound(f"The graph has no price of {asset.id}{when}; see `deskgraph prices ask`.")
    age_s = ((asked or _now()) - found.at).total_seconds()
    if as_json:
        row: dict[str, object] = msgspec.to_builtins(found)
        click.echo(msgspec.json.encode(row | {"age_s": age_s}))
        return
    click.echo(
        f"{asset.symbol} {found.usd} US dollars, by {found.source}, known since "
        f"{found.at:%Y-%m-%d %H:%M:%S} UTC ({_age((asked or _now()) - found.at)} old)"
    )


async def _ask(settings: PriceSettings, names: tuple[str, ...], *, as_json: bool) -> None:
    chosen = _chosen(settings, names)
    async with market(settings) as whole:
        # Stablecoins are asked for as well: others may be priced in them.
        asked = await ask(whole, now=_now())
    for trouble in sorted(asked.away.values()):
        click.echo(trouble, err=True)
    ids = {asset.id for asset in chosen}
    if as_json:
        for quote in asked.quotes:
            if quote.asset in ids:
                click.echo(msgspec.json.encode(quote))
        return
    Console().print(_answers(asked, chosen))


def _answers(asked: Asked, chosen: tuple[Asset, ...]) -> Table:
    grid = Table("asset", "US dollars", "source", "left out", box=None)
    for asset in chosen:
        price = asked.prices.get(asset.id)
        doubts = [f"{one.source}: {one.reason}" for one in asked.refused if one.asset == asset.id]
        if price is not None or doubts:
            usd = "" if price is None else _short(price.usd)
            source = "" if price is None else price.source
            grid.add_row(asset.id, usd, source, "; ".join(doubts))
    return grid


def _chosen(settings: PriceSettings, names: tuple[str, ...]) -> tuple[Asset, ...]:
    known = assets_of(settings)
    return tuple(asset_named(name, known) for name in names) if names else known


def _short(usd: Decimal) -> str:
    return f"{usd:,.2f}" if usd >= 100 else f"{round(usd, _DIGITS):f}"


def _age(age: object) -> str:
    return str(age).partition(".")[0]


def _now() -> datetime:
    return datetime.now(UTC)
