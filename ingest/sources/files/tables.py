"""From the rows of a table to numbered entries: what every reader of tables does alike."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from graph_api.domain.chains import Chain, Family
from graph_api.domain.errors import BadInput
from graph_api.domain.records import Record, Reject
from ingest.sources.files.format import Dataset, Entry, Options
from ingest.sources.files.inputs import Cell, Column, reject, rows, sniff

#: Makes the records of one row out of its cells, in the order of the columns. Raises: BadInput.
Maker = Callable[..., Sequence[Record]]


def entries(
    dataset: Dataset, columns: Sequence[Column], make: Maker, *, needs: Sequence[Column] = ()
) -> Iterator[Entry]:
    """What every row of ``dataset`` says; a row that ``make`` refuses is a reject.

    Raises: BadInput when a file is damaged or lacks one of ``needs``.
    """
    for path in dataset.paths:
        require(path, needs)
    for number, path, line, cells in table_rows(dataset, columns):
        if isinstance(cells, Reject):
            yield Entry(number, cells)
            continue
        try:
            made = make(*cells)
        except BadInput as error:
            yield Entry(number, reject(path, line, str(error), cells))
            continue
        for record in made:
            yield Entry(number, record)


def table_rows(
    dataset: Dataset, columns: Sequence[Column]
) -> Iterator[tuple[int, Path, int, Sequence[Cell] | Reject]]:
    """Every row of ``dataset``: its number there, its file and line, its cells."""
    before = 0
    for path in dataset.paths:
        number = 0
        for number, line, cells in rows(path, columns):
            yield before + number, path, line, cells
        before += number


def require(path: Path, needs: Sequence[Column]) -> frozenset[str]:
    """The columns of the file at ``path``. Raises: BadInput when it lacks one of ``needs``."""
    present = sniff(path).columns
    for column in needs:
        names = (column,) if isinstance(column, str) else column
        if not any(name.lower() in present for name in names):
            raise BadInput(
                f"{path} has no column {' or '.join(names)}; it has {', '.join(sorted(present))}."
            )
    return present


def having(names: str) -> Callable[[frozenset[str], str], bool]:
    """Recognises files that have all of ``names``, which spaces separate."""
    wanted = frozenset(names.split())
    return lambda columns, _: wanted <= columns


def evm_chain(options: Options, format_name: str) -> Chain:
    """The one EVM chain that ``--chain`` names. Raises: BadInput."""
    chain = options.chain(format_name)
    if chain.family is not Family.EVM:
        raise BadInput(f"A {format_name} file is of an EVM chain, which {chain.name} is not.")
    return chain
