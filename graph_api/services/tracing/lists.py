"""Pages of what a trace found: its pieces, and its ends, the largest first."""

import asyncio
from typing import NamedTuple

from graph_api.analysis.tracing.pieces import Fate
from graph_api.domain.pages import Page, Slice
from graph_api.services.exporting import ExportFormat
from graph_api.services.places import numbered
from graph_api.services.tracing.answers import TraceAnswer, TraceEnd, TraceParty, TracePiece
from graph_api.services.tracing.exports import exported
from graph_api.store.graph import Graph


class PieceAt(NamedTuple):
    """A piece, its row, and how sure the way to it is."""

    number: int
    piece: TracePiece
    confidence: float


class EndAt(NamedTuple):
    """An end, its piece with the path to it, and who is known to stand there."""

    end: TraceEnd
    path: list[PieceAt]
    party: TraceParty | None


async def pieces(
    graph: Graph, found: list[TraceAnswer], *, page: Page
) -> dict[TraceAnswer, Slice[PieceAt]]:
    """A page of each trace's pieces, parents before their children."""
    return {
        answer: numbered([_at(answer, number) for number in range(len(answer.pieces))], page)
        for answer in found
    }


async def ends(
    graph: Graph,
    found: list[TraceAnswer],
    *,
    fates: tuple[Fate, ...] | None = None,
    page: Page,
) -> dict[TraceAnswer, Slice[EndAt]]:
    """A page of each trace's ends, the largest first; of some fates where these are named."""
    return {answer: numbered(_ends(answer, fates), page) for answer in found}


async def exports(
    graph: Graph, found: list[TraceAnswer], *, format: ExportFormat
) -> dict[TraceAnswer, str]:
    """Each trace as the text of a file."""
    return {answer: await asyncio.to_thread(exported, answer, format) for answer in found}


def _ends(answer: TraceAnswer, fates: tuple[Fate, ...] | None) -> list[EndAt]:
    parties = {party.wallet: party for party in answer.parties}
    chosen = [end for end in answer.ends if fates is None or end.fate in fates]
    chosen.sort(key=lambda end: (-int(end.amount_raw), end.piece))
    return [
        EndAt(
            end=end,
            path=[_at(answer, piece) for piece in answer.path(end.piece)],
            party=parties.get(wallet) if (wallet := answer.pieces[end.piece].wallet) else None,
        )
        for end in chosen
    ]


def _at(answer: TraceAnswer, number: int) -> PieceAt:
    return PieceAt(number, answer.pieces[number], answer.confidence(number))
