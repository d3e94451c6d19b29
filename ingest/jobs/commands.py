"""The command line of ingestion: ``load`` and what belongs to it."""

import sys
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console

from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.settings import Settings
from graph_api.store import leases
from ingest.jobs import (
    chain_commands,
    inbox_commands,
    interrupts,
    otc_commands,
    price_commands,
    progress,
    wallet_commands,
)
from ingest.jobs.chain_commands import BusOf, Door
from ingest.jobs.loading import Skipped, Step, load_paths
from ingest.jobs.marking import marking
from ingest.pipelines.load import BATCH, Summary
from ingest.sources.files import formats
from ingest.sources.files.format import Options


def named_bus(settings: Settings) -> str | None:
    """The bus of ``DESKGRAPH_REDIS__URL``."""
    return settings.redis.url.get_secret_value() if settings.redis.url else None


def group(door: Door, *, bus: BusOf = named_bus) -> click.Group:
    """The ``ingest`` group over graphs that ``door`` opens; settings are the context's object.

    ``bus`` is told of changes of the graph.
    """

    @click.group("ingest", context_settings={"help_option_names": ["-h", "--help"]})
    def ingest() -> None:
        """Bring files into the graph."""

    @ingest.command("load")
    @click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
    @click.option(
        "--chain", "chains", multiple=True, help="Chain of the files; may be given again."
    )
    @click.option("--format", "format_name", help="Do not guess the format; see --formats.")
    @click.option("--formats", "list_formats", is_flag=True, help="List the formats and stop.")
    @click.option(
        "--map",
        "mapping",
        metavar="OURS=THEIRS,…",
        help="Columns of a plain table: from=source,to=target,value=amount …",
    )
    @click.option("--decimals", type=click.IntRange(0, 77), help="Decimals of whole-unit amounts.")
    @click.option("--dataset", help="A name for rows that have no hash.")
    @click.option("--source", help="Who says so, where a label file does not tell.")
    @click.option("--learned-at", help="When labels became known: 2024-05-01 or with a time.")
    @click.option("--rejects", type=click.Path(path_type=Path), help="Folder of rejects files.")
    @click.option("--strict", is_flag=True, help="Stop at the first bad row.")
    @click.option("--announce", is_flag=True, help="Tell subscribers and rules what is new.")
    @click.option("--batch", type=click.IntRange(1, 50_000), default=BATCH, show_default=True)
    @click.option("--json", "as_json", is_flag=True, help="The summary as JSON.")
    @click.option("--quiet", is_flag=True, help="No progress.")
    @click.pass_obj
    def load_command(settings: Settings, /, list_formats: bool, **given: object) -> None:
        """Load files and folders; a second time changes nothing, an interrupted load goes on."""
        if list_formats:
            _formats()
            return
        interrupts.run(_load(door, settings, Given(**given), bus=bus))  # type: ignore[arg-type]

    chain_commands.add_to(ingest, door, bus=bus)
    inbox_commands.add_to(ingest)
    wallet_commands.add_to(ingest, door, bus=bus)
    price_commands.add_to(ingest, door, bus=bus)
    otc_commands.add_to(ingest, door)
    return ingest


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says of a load."""

    paths: tuple[Path, ...]
    chains: tuple[str, ...]
    format_name: str | None
    mapping: str | None
    decimals: int | None
    dataset: str | None
    source: str | None
    learned_at: str | None
    rejects: Path | None
    strict: bool
    announce: bool
    batch: int
    as_json: bool
    quiet: bool


async def _load(door: Door, settings: Settings, given: Given, *, bus: BusOf) -> None:
    if not given.paths:
        raise BadInput("Name at least one file or folder to load.")
    options = Options(
        chains=tuple({chain.id: chain for chain in map(chain_of, given.chains)}.values()),
        columns=_columns(given.mapping),
        decimals=given.decimals,
        dataset=given.dataset,
        source=given.source,
        learned_at=_moment(given.learned_at),
    )
    show = progress.bar if sys.stderr.isatty() else progress.lines
    async with door(settings) as graph, marking(bus(settings)) as mark:
        with show() as report:

            def written(step: Step) -> None:
                mark()
                if not given.quiet:
                    report(step)

            loads = load_paths(
                graph,
                given.paths,
                options,
                clock=lambda: datetime.now(UTC),
                rejects=given.rejects or settings.home / "rejects",
                format_name=given.format_name,
                strict=given.strict,
                announce=given.announce,
                batch=given.batch,
                report=written,
                waiting=_waiting,
            )
            async with aclosing(loads):
                outcomes = [outcome async for outcome in loads]
    if given.as_json:
        click.echo(msgspec.json.encode(_totals(outcomes)))
    else:
        progress.table(outcomes, console=Console())


def _totals(outcomes: list[Summary | Skipped]) -> dict[str, object]:
    summaries = [outcome for outcome in outcomes if isinstance(outcome, Summary)]
    return {
        "read": sum(summary.read for summary in summaries),
        "written": sum(summary.written for summary in summaries),
        "known": sum(summary.known for summary in summaries),
        "rejected": sum(summary.rejected for summary in summaries),
        "datasets": summaries,
        "skipped": [outcome for outcome in outcomes if isinstance(outcome, Skipped)],
    }


def _columns(mapping: str | None) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in mapping.split(",")] if mapping else []
    if not all(ours.strip() and theirs.strip() for ours, _, theirs in pairs):
        raise BadInput(f"--map {mapping!r} needs OURS=THEIRS pairs, such as from=source,to=target.")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


def _moment(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"--learned-at {text!r} is no date; write 2024-05-01.") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _waiting(name: str) -> None:
    what = "the same dataset" if name.startswith(leases.of_dataset("")) else name
    click.echo(f"Another process is writing {what}; waiting for its turn to end.", err=True)


def _formats() -> None:
    for known in formats.FORMATS:
        click.echo(f"{known.name}\n    {known.about}\n    recognised by: {known.columns}\n")
