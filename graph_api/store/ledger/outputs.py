"""Outputs of UTXO transactions: created, spent and counted, in whatever order they are loaded."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from graph_api.domain.chains import Chain
from graph_api.domain.ids import native_token
from graph_api.domain.records import UtxoTransaction
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger.shelves import Shelves
from graph_api.store.ledger.states import earliest, latest


class OutputState(msgspec.Struct):
    """An output as far as it is known; a spend may be loaded before what it spends."""

    id: str
    owner: str | None = None
    amount_raw: int | None = None
    script: str | None = None
    created: bool = False
    spent: bool = False

    @property
    def received_raw(self) -> int:
        """What its owner got by it."""
        return (self.amount_raw or 0) if self.created and self.owner else 0

    @property
    def sent_raw(self) -> int:
        """What its owner paid by it."""
        return (self.amount_raw or 0) if self.spent and self.owner else 0


class Moment(NamedTuple):
    """When a transaction created or spent an output."""

    block_number: int | None
    block_time: int | None


class Outputs:
    """The outputs that one batch touches."""

    def __init__(
        self,
        writing: Writing,
        chain: Chain,
        shelves: Shelves,
        transactions: Mapping[str, UtxoTransaction],
    ) -> None:
        self._writing, self._chain, self._shelves = writing, chain, shelves
        self._transactions = transactions
        self._new: Mapping[str, UtxoTransaction] = {}
        self._before: dict[str, OutputState] = {}
        self._after: dict[str, OutputState] = {}
        self._moments: dict[str, list[Moment]] = {}

    async def read(self, new: Mapping[str, UtxoTransaction]) -> None:
        """What is known of the outputs of the transactions that are not loaded yet."""
        if not new:
            return
        self._new = new
        ids = {output.id for one in new.values() for output in one.outputs}
        ids |= {spend.output for one in new.values() for spend in one.inputs}
        rows = await self._writing.run("ledger/known_outputs", ids=sorted(ids))
        self._before = {row["id"]: msgspec.convert(row, OutputState, strict=False) for row in rows}
        self._after = {
            key: msgspec.structs.replace(self._before.get(key, OutputState(key)))
            for key in sorted(ids)
        }
        for transaction in new.values():
            for output in transaction.outputs:
                state = self._touch(output.id, transaction)
                state.created, state.amount_raw = True, output.amount_raw
                state.owner = state.owner or output.owner
                state.script = state.script or output.script
            for spend in transaction.inputs:
                state = self._touch(spend.output, transaction)
                state.spent = True
                state.owner = state.owner or spend.owner
                if state.amount_raw is None:
                    state.amount_raw = spend.amount_raw

        await self._read_moments()

    def _touch(self, output: str, transaction: UtxoTransaction) -> OutputState:
        moment = Moment(transaction.block_number, transaction.block_time)
        self._moments.setdefault(output, []).append(moment)
        return self._after[output]

    async def _read_moments(self) -> None:
        """What happened to outputs before anybody could tell whose they are."""
        found = [
            key
            for key, before in self._before.items()
            if before.owner is None and self._after[key].owner is not None
        ]
        if not found:
            return
        for row in await self._writing.run("ledger/output_moments", ids=found):
            moment = Moment(row["block_number"], row["block_time"])
            self._moments[row["id"]].append(moment)

    @property
    def owners(self) -> set[str]:
        """Wallets that own any of them."""
        return {state.owner for state in self._after.values() if state.owner is not None}

    @property
    def holdings(self) -> set[tuple[str, str]]:
        """Wallet and token of every total that may change."""
        return {(owner, native_token(self._chain)) for owner in self.owners}

    def count(self) -> None:
        """Put what is new into the totals of the owners."""
        token = native_token(self._chain)
        for key, state in self._after.items():
            before = self._before.get(key, OutputState(key))
            if state.owner is None:
                continue
            holding = self._shelves.holding(state.owner, token)
            self._shelves.change(
                holding,
                received=state.received_raw - before.received_raw,
                sent=state.sent_raw - before.sent_raw,
            )
            wallet = self._shelves.wallets[state.owner]
            for moment in self._moments[key]:
                holding.transfers += 1
                holding.first_at = earliest(holding.first_at, moment.block_time)
                holding.last_at = latest(holding.last_at, moment.block_time)
                holding.since_block = earliest(holding.since_block, moment.block_number)
                wallet.seen(moment.block_time)

    async def write(self) -> None:
        """Write the outputs, who owns them and what created and spent them."""
        if not self._after:
            return
        rows = [msgspec.structs.asdict(state) for state in self._after.values()]
        for row in rows:
            row["chain"] = self._chain.id
            row["amount_raw"] = None if row["amount_raw"] is None else str(row["amount_raw"])
        owned = [
            {"id": key, "owner": state.owner}
            for key, state in self._after.items()
            if state.owner and not (key in self._before and self._before[key].owner)
        ]
        for transaction in self._new.values():
            self._shelves.counters.covers(transaction.block_number, transaction.block_time)
        await self._write("set_outputs", rows)
        await self._write("own_outputs", owned)
        await self._write("create_outputs_of", self._created())
        await self._write("spend_outputs_of", self._spent())

    def _created(self) -> list[Row]:
        return [
            {"id": output.id, "transaction": transaction.id}
            for transaction in self._new.values()
            for output in transaction.outputs
        ]

    def _spent(self) -> list[Row]:
        return [
            {"id": spend.output, "transaction": transaction.id, "place": place}
            for transaction in self._new.values()
            for place, spend in enumerate(transaction.inputs)
        ]

    async def _write(self, name: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            await self._writing.run(f"ledger/{name}", rows=rows)
