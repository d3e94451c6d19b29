"""``python -m deskgraph.planted --seed N``: plant a world, print what methods find."""

from collections.abc import Iterable

import click

from deskgraph.planted.crossings import crossings
from deskgraph.planted.figures import Figure, Measured, measure
from deskgraph.planted.making import planted_world


@click.command()
@click.option("--seed", "seeds", type=int, multiple=True, default=(1,), help="Several, if wanted.")
@click.option(
    "--size",
    type=click.IntRange(min=40),
    default=300,
    show_default=True,
    help="How many people live there.",
)
def main(seeds: tuple[int, ...], size: int) -> None:
    """Plant a world for each seed and measure the methods by its truth."""
    for seed in seeds:
        world = planted_world(seed, size=size)
        measured = measure(world)
        click.echo(f"seed {seed}: {len(world.records):,} records, {measured.evidence:,} links")
        for line in (*lines(measured), "", *table(crossings(world), "crossing", "matched")):
            click.echo(line)


def lines(measured: Measured) -> list[str]:
    """The figures as a table."""
    rows = table((*measured.figures, measured.deposits), "method", "pairs joined")
    return [*rows, f"  strangers joined for a CoinJoin: {measured.false_joins}"]


def table(figures: Iterable[Figure], name: str, joined: str) -> list[str]:
    """A head, and a row for each figure."""
    head = f"  {name:<24}{joined:>14}{'precision':>11}{'planted':>9}{'recall':>9}"
    return [head, *map(_row, figures)]


def _row(figure: Figure) -> str:
    recall = "-" if figure.recall is None else f"{figure.recall:.4f}"
    return (
        f"  {figure.name:<24}{figure.joined:>14,}{figure.precision:>11.4f}"
        f"{figure.planted:>9,}{recall:>9}"
    )


if __name__ == "__main__":
    main()
