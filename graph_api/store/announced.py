"""Loads of the past of which the world is told, as if it happened now."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

import msgspec

from graph_api.store.graph import Row, Writing
from graph_api.store.ledger.announcing import Hashes, announce, finalize
from graph_api.store.ledger.places import Place, Written


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """``place``, and what is new with it is told: on each chain in its order.

    Transfers up to the block ``final`` are told as final too; with None of none it is known.
    """

    place: Place
    final: int | None = None

    @property
    def lease(self) -> str:
        """That of the place."""
        return self.place.lease

    async def reached(self, writing: Writing) -> bool:
        """Whether the graph stands there, and so has told."""
        return await self.place.reached(writing)

    async def reach(self, writing: Writing, written: Written, *, now: datetime) -> None:
        """Go there, and tell."""
        await self.place.reach(writing, written, now=now)
        acts = {chain: list(rows) for chain, rows in _by_chain(written.freezes)}
        moves = {chain: list(rows) for chain, rows in _by_chain(written.transfers)}
        for chain in sorted({*moves, *acts}):
            rows = moves.get(chain, [])
            new = msgspec.structs.replace(written, transfers=rows, freezes=acts.get(chain, []))
            hashes = await self._mark(writing, chain, [*rows, *new.freezes])
            await announce(writing, chain, new, hashes, now=now)
            await self._finalize(writing, chain, rows, hashes, now=now)

    async def _mark(self, writing: Writing, chain: str, rows: Iterable[Row]) -> Hashes:
        """Remember which blocks are told of, so that it is taken back should one go."""
        numbers = {row["block_number"] for row in rows} - {None}
        ids = [f"{chain}:{number}" for number in sorted(numbers)]
        if not ids:
            return {}
        found = await writing.run("ledger/announce_blocks", ids=ids)
        return {row["number"]: row["hash"] for row in found}

    async def _finalize(
        self, writing: Writing, chain: str, rows: Iterable[Row], hashes: Hashes, *, now: datetime
    ) -> None:
        if self.final is None:
            return
        ids = [
            row["id"]
            for row in rows
            if row["block_number"] is not None and row["block_number"] <= self.final
        ]
        if ids:
            told = await writing.run("ledger/finalize_transfers", ids=ids)
            await finalize(writing, chain, told, hashes, now=now)


def _by_chain(rows: Iterable[Row]) -> Iterable[tuple[str, Iterable[Row]]]:
    return groupby(sorted(rows, key=_chain), key=_chain)


def _chain(row: Row) -> str:
    return str(row["chain"])
