"""How a load is told: a bar on a terminal, JSON lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table

from ingest.jobs.loading import Skipped, Step
from ingest.pipelines.load import Summary

Report = Callable[[Step], None]


@contextmanager
def bar() -> Iterator[Report]:
    """A bar per dataset with rate and time left, on standard error."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks: dict[int, TaskID] = {}

        def report(step: Step) -> None:
            summary = step.summary
            if step.number not in tasks:
                name = f"[{step.number}/{step.datasets}] {summary.format}"
                tasks[step.number] = progress.add_task(name, total=step.rows, rate="")
            task = tasks[step.number]
            speed = progress.tasks[task].speed
            progress.update(task, completed=summary.row, rate=f"{speed:,.0f}/s" if speed else "")

        yield report


@contextmanager
def lines() -> Iterator[Report]:
    """One JSON object per batch on standard error."""

    def report(step: Step) -> None:
        sys.stderr.write(msgspec.json.encode(step).decode() + "\n")
        sys.stderr.flush()

    yield report


def table(outcomes: list[Summary | Skipped], *, console: Console) -> None:
    """What became of every dataset, for people."""
    if not console.is_terminal:
        # Nothing limits a line in a file: names stay whole.
        console.width = 100 + max((len(outcome.source) for outcome in outcomes), default=0)
    counts_of = ("read", "written", "already there", "rejected")
    grid = Table(Column("file", overflow="fold"), "format", *counts_of, box=None)
    for outcome in outcomes:
        if isinstance(outcome, Summary):
            counts = (outcome.read, outcome.written, outcome.known, outcome.rejected)
            grid.add_row(outcome.source, outcome.format, *(f"{count:,}" for count in counts))
    console.print(grid)
    for outcome in outcomes:
        if isinstance(outcome, Skipped):
            console.print(outcome.reason, style="dim", soft_wrap=True)
        elif outcome.rejects_file:
            console.print(f"Rejected rows with reasons: {outcome.rejects_file}", soft_wrap=True)
