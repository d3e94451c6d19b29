"""One batch of one chain in one transaction: what is new, what it does to totals, the writes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from graph_api.domain.chains import Chain, Family
from graph_api.domain.ids import ChainId, native_token
from graph_api.domain.positions import page_key
from graph_api.domain.records import (
    Approval,
    Block,
    Receipt,
    Swap,
    Token,
    Transaction,
    Transfer,
    UtxoTransaction,
    WalletKind,
)
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger import late as late_facts
from graph_api.store.ledger import totals, undo
from graph_api.store.ledger.facts import Facts, native_transfer, transaction_order
from graph_api.store.ledger.late import Late
from graph_api.store.ledger.outputs import Outputs
from graph_api.store.ledger.places import Counts
from graph_api.store.ledger.rows import (
    approval_row,
    bare_row,
    fee,
    swap_row,
    transaction_row,
    transfer_row,
    utxo_row,
)
from graph_api.store.ledger.shelves import Shelves
from graph_api.store.ledger.states import Moved, earliest, latest, whole_units
from graph_api.store.ledger.undo import Undo

Fact = TypeVar("Fact")
Event = Transfer | Approval | Swap
Happened = TypeVar("Happened", Transfer, Approval, Swap)


class Known(msgspec.Struct, frozen=True):
    """What is loaded of a transaction; without ``value_raw`` it is a stub."""

    id: str
    sender: str | None
    status: int | None
    value_raw: int | None
    coinbase: bool | None
    index: int | None
    gas_used: int | None
    gas_price_raw: int | None
    block_number: int | None
    block_time: int | None


class Batch:
    """The facts of one chain on their way into the graph."""

    def __init__(
        self, writing: Writing, chain: Chain, shelves: Shelves, facts: Facts, *, repeats: bool
    ) -> None:
        self._writing, self._chain, self._shelves, self._facts = writing, chain, shelves, facts
        #: Whether rows of the dataset may be in the graph that its checkpoint does not know of.
        self._repeats = repeats
        self._known: dict[str, Known] = {}
        self._times: dict[int, int] = {}
        self._outputs = Outputs(writing, chain, shelves, facts.utxo)
        #: Rows of the transfers that are new.
        self.created: list[Row] = []
        #: How to take back what these do not tell.
        self.undo = Undo()

    async def write(self) -> Counts:
        """Write everything that is new; what is there already changes nothing."""
        facts, shelves, counts = self._facts, self._shelves, Counts()
        await shelves.begin(self._writing)
        self._known = await self._known_transactions()
        timed = await self._write_blocks(counts)
        transfers = await self._new(self._candidates(), "known_transfers")
        approvals = await self._new(facts.approvals, "known_approvals")
        swaps = await self._new(facts.swaps, "known_swaps")
        failed = await self._moved("transfers_to_retract", ids=self._failed())
        late = await self._late(timed, but=frozenset(moved.id for moved in failed))
        await self._outputs.read(self._unknown(facts.utxo))

        await self._fetch(transfers, approvals, swaps, failed, late)
        kinds = undo.kinds(shelves)
        await totals.take_back(self._writing, shelves, failed)
        await self._set_times(late)
        self._say_tokens(counts)
        self._say_wallets(counts)
        self._say_transactions(approvals, swaps)
        for transfer in transfers.values():
            totals.add(shelves, transfer, self._time(transfer))
        self._outputs.count()
        self.undo = undo.undo(shelves, kinds)

        await shelves.flush_nodes(self._writing)
        await self._write_transactions(counts, transfers, approvals, swaps)
        await self._write_transfers(list(transfers.values()))
        await self._put("create_approvals", approvals.values(), approval_row)
        await self._put("create_swaps", swaps.values(), swap_row)
        await self._outputs.write()
        await shelves.flush_totals(self._writing)
        if totals.counts_holdings(shelves):
            counts.add(len(transfers.keys() & facts.transfers.keys()), of=len(facts.transfers))
        counts.add(len(approvals), of=len(facts.approvals))
        counts.add(len(swaps), of=len(facts.swaps))
        return counts

    # What is there

    async def _run(self, name: str, **parameters: Any) -> list[Row]:
        return await self._writing.run(f"ledger/{name}", **parameters)

    async def _known_transactions(self) -> dict[str, Known]:
        facts = self._facts
        events: tuple[Event, ...] = (
            *facts.transfers.values(),
            *facts.approvals.values(),
            *facts.swaps.values(),
        )
        ids: set[str] = {event.transaction for event in events if event.transaction is not None}
        ids.update(facts.transactions, facts.receipts, facts.utxo)
        if not ids:
            return {}
        rows = await self._run("known_transactions", ids=sorted(ids))
        return {row["id"]: msgspec.convert(row, Known, strict=False) for row in rows}

    async def _new(self, events: Mapping[str, Happened], name: str) -> dict[str, Happened]:
        ids = [key for key, event in events.items() if self._may_be_there(event)]
        known = {row["id"] for row in await self._run(name, ids=ids)} if ids else set()
        return {key: event for key, event in events.items() if key not in known}

    def _may_be_there(self, event: Event) -> bool:
        # An event is never written without its transaction. Rows without a hash are named by
        # their place in a dataset; its checkpoint already says which of them are in the graph,
        # unless they were loaded with other options before.
        if event.transaction is None:
            return self._repeats or not event.id.startswith("file:")
        return event.transaction in self._known

    def _unknown(self, facts: Mapping[str, Fact]) -> dict[str, Fact]:
        return {key: fact for key, fact in facts.items() if not self._is_loaded(key)}

    def _is_loaded(self, transaction: str) -> bool:
        known = self._known.get(transaction)
        return known is not None and known.value_raw is not None

    async def _moved(self, name: str, **parameters: Any) -> list[Moved]:
        if not all(parameters.values()):
            return []
        rows = await self._run(name, **parameters)
        return [msgspec.convert(row, Moved, strict=False) for row in rows]

    # Blocks and times

    async def _write_blocks(self, counts: Counts) -> list[int]:
        blocks = dict(self._facts.blocks)
        envelopes: tuple[Transaction | UtxoTransaction, ...] = (
            *self._facts.transactions.values(),
            *self._facts.utxo.values(),
        )
        for fact in envelopes:
            if fact.block_number is not None and fact.block_time is not None:
                blocks.setdefault(
                    fact.block_number,
                    Block(chain=fact.chain, number=fact.block_number, time=fact.block_time),
                )
        numbers = blocks.keys() | self._numbers_without_time()
        if not numbers:
            return []
        ids = [f"{self._chain.id}:{number}" for number in sorted(numbers)]
        known = {row["number"]: row for row in await self._run("known_blocks", ids=ids)}
        self._times = {
            number: row["time"] for number, row in known.items() if row["time"] is not None
        }
        timed, rows = [], []
        for number, block in blocks.items():
            before = known.get(number)
            if block.time is not None and number not in self._times:
                self._times[number] = block.time
                timed.append(number)
            adds = before is None or number in timed or (block.hash and not before["hash"])
            if adds:
                rows.append(msgspec.structs.asdict(block) | {"id": f"{self._chain.id}:{number}"})
                self._shelves.counters.covers(number, block.time)
            if number in self._facts.blocks:
                counts.add(1 if adds else 0, of=1)
            self._shelves.counters.blocks += before is None
        if rows:
            await self._run("set_blocks", rows=rows)
        return timed

    def _numbers_without_time(self) -> set[int]:
        facts = self._facts
        dated: tuple[Event | Transaction, ...] = (
            *facts.transactions.values(),
            *facts.transfers.values(),
            *facts.approvals.values(),
            *facts.swaps.values(),
        )
        return {
            fact.block_number
            for fact in dated
            if fact.block_time is None and fact.block_number is not None
        } | {
            receipt.block_number
            for receipt in facts.receipts.values()
            if receipt.block_number is not None
        }

    def _time(self, fact: Any) -> int | None:
        """When ``fact`` happened, from itself or its block."""
        if fact.block_time is not None:
            return int(fact.block_time)
        return self._times.get(fact.block_number)

    async def _late(self, timed: list[int], *, but: frozenset[str]) -> Late:
        """What was loaded before the time of its block."""
        if not self._shelves.counters.untimed:
            return Late()
        return await late_facts.read(self._writing, self._chain.id, timed, but=but)

    async def _set_times(self, late: Late) -> None:
        for moved in late.transfers:
            time = self._times[moved.block_number or 0]
            for state in totals.states(self._shelves, moved):
                state.first_at = earliest(state.first_at, time)
                state.last_at = latest(state.last_at, time)
            for wallet in filter(None, (moved.sender, moved.recipient)):
                self._shelves.wallets[wallet].seen(time)
            self._shelves.counters.covers(moved.block_number, time)
        for other in late.others:
            for wallet in other.wallets:
                self._shelves.wallets[wallet].seen(self._times[other.block_number])
            self._shelves.counters.covers(other.block_number, self._times[other.block_number])
        self._shelves.counters.untimed -= len(late)
        await late_facts.write(self._writing, late, self._times)

    def _waits(self, rows: Iterable[Row]) -> None:
        """Count what has a block whose time is not known."""
        self._shelves.counters.untimed += sum(
            row["block_time"] is None and row["block_number"] is not None for row in rows
        )

    # Transactions

    def _candidates(self) -> dict[str, Transfer]:
        transfers = {
            key: transfer
            for key, transfer in self._facts.transfers.items()
            if transfer.position != "native"
            or transfer.transaction is None
            or self._status(transfer.transaction) != 0
        }
        for transaction in self._facts.transactions.values():
            if self._status(transaction.id) == 0:
                continue
            native = native_transfer(self._chain, transaction)
            if native is not None and not self._is_loaded(transaction.id):
                transfers.setdefault(native.id, native)
        return transfers

    def _status(self, transaction: str) -> int | None:
        """1, 0 or None, from whichever source tells."""
        for told in (
            self._known.get(transaction),
            self._facts.transactions.get(transaction),
            self._facts.receipts.get(transaction),
        ):
            if told is not None and told.status is not None:
                return told.status
        return None

    def _failed(self) -> list[str]:
        """Native transfers in the graph whose transaction turns out to have failed."""
        told = self._facts.transactions.keys() | self._facts.receipts.keys()
        return [
            f"{known.id}:native"
            for known in self._known.values()
            if known.status is None and known.id in told and self._status(known.id) == 0
        ]

    def _say_transactions(
        self, approvals: Mapping[str, Approval], swaps: Mapping[str, Swap]
    ) -> None:
        wallets, counters = self._shelves.wallets, self._shelves.counters
        for transaction in self._facts.transactions.values():
            if self._is_loaded(transaction.id):
                continue
            time = self._time(transaction)
            counters.covers(transaction.block_number, time)
            sender = wallets[transaction.sender]
            sender.is_a(WalletKind.EOA)
            sender.seen(time)
            if transaction.recipient is not None:
                recipient = wallets[transaction.recipient]
                recipient.seen(time)
                if transaction.creates and self._status(transaction.id) != 0:
                    recipient.is_a(WalletKind.CONTRACT)
        for receipt in self._facts.receipts.values():
            if receipt.contract is not None and self._status(receipt.transaction) != 0:
                wallets[receipt.contract].is_a(WalletKind.CONTRACT)
        for approval in approvals.values():
            wallets[approval.owner].seen(self._time(approval))
        for swap in swaps.values():
            wallets[swap.pool].is_a(WalletKind.CONTRACT)
            wallets[swap.pool].seen(self._time(swap))

    async def _write_transactions(
        self,
        counts: Counts,
        transfers: Mapping[str, Transfer],
        approvals: Mapping[str, Approval],
        swaps: Mapping[str, Swap],
    ) -> None:
        facts = self._facts
        created: list[Row] = []
        called: list[Row] = []
        signed: list[Row] = []
        added: list[Row] = []
        for transaction in facts.transactions.values():
            row = transaction_row(transaction, block_time=self._time(transaction))
            row |= self._executed(row, facts.receipts.get(transaction.id))
            known = self._known.get(transaction.id)
            if known is None:
                (created if transaction.recipient is None else called).append(row)
            else:
                added.append(row | {"order_key": self._order(known, row)})
                if known.value_raw is None:
                    signed.append(row)
            counts.add(known is None or known.value_raw is None, of=1)
        bare = [
            utxo_row(transaction, block_time=self._time(transaction))
            for transaction in self._unknown(facts.utxo).values()
            if transaction.id not in self._known
        ]
        counts.add(len(self._unknown(facts.utxo)), of=len(facts.utxo))
        for receipt in facts.receipts.values():
            adds = self._add_receipt(receipt, bare, added)
            counts.add(adds, of=1)
        bare += self._stubs({row["id"] for row in bare}, transfers, approvals, swaps)
        self._shelves.counters.transactions += len(created) + len(called) + len(bare)
        self._waits([*created, *called, *bare])
        self._waits(row for row in added if self._known[row["id"]].block_number is None)
        for name, rows in (
            ("create_transactions", created),
            ("create_called_transactions", called),
            ("create_bare_transactions", bare),
            ("sign_transactions", signed),
            ("call_transactions", [row for row in signed if row["recipient"] is not None]),
            ("set_transactions", added),
        ):
            if rows:
                await self._run(name, rows=rows)

    def _executed(self, row: Row, receipt: Receipt | None) -> Row:
        """What the receipt of the same batch adds to a transaction's row."""
        if receipt is None:
            return {}
        gas = row["gas_used"] if row["gas_used"] is not None else receipt.gas_used
        price = receipt.gas_price_raw if row["gas_price_raw"] is None else int(row["gas_price_raw"])
        return {
            "status": row["status"] if row["status"] is not None else receipt.status,
            "gas_used": gas,
            "gas_price_raw": None if price is None else str(price),
            "fee_raw": fee(gas, price),
        }

    def _add_receipt(self, receipt: Receipt, bare: list[Row], added: list[Row]) -> bool:
        """Put a receipt where it belongs; whether it says anything new."""
        if receipt.transaction in self._facts.transactions:
            return not self._is_loaded(receipt.transaction)
        known = self._known.get(receipt.transaction)
        row = bare_row(
            receipt.transaction,
            chain=receipt.chain,
            block_number=receipt.block_number,
            block_time=self._times.get(receipt.block_number or -1),
            index=receipt.index,
        )
        gas, price = receipt.gas_used, receipt.gas_price_raw
        if known is not None:
            gas = known.gas_used if known.gas_used is not None else gas
            price = known.gas_price_raw if known.gas_price_raw is not None else price
        row |= {
            "status": receipt.status,
            "gas_used": gas,
            "gas_price_raw": None if price is None else str(price),
            "fee_raw": fee(gas, price),
        }
        if known is None:
            bare.append(row)
            return True
        added.append(row | {"order_key": self._order(known, row)})
        return (known.status, known.gas_used) != (receipt.status, receipt.gas_used)

    def _order(self, known: Known, row: Row) -> str:
        block = known.block_number if known.block_number is not None else row["block_number"]
        index = known.index if known.index is not None else row["index"]
        return page_key(self._chain.id, transaction_order(known.id, block, index))

    def _stubs(
        self,
        made: set[str],
        transfers: Mapping[str, Transfer],
        approvals: Mapping[str, Approval],
        swaps: Mapping[str, Swap],
    ) -> list[Row]:
        """Transactions of which nothing but an event is known so far."""
        there = made | self._known.keys() | self._facts.transactions.keys()
        stubs: dict[str, Row] = {}
        events: tuple[Event, ...] = (*transfers.values(), *approvals.values(), *swaps.values())
        for event in events:
            if event.transaction is not None and event.transaction not in there:
                stubs[event.transaction] = bare_row(
                    event.transaction,
                    chain=event.chain,
                    block_number=event.block_number,
                    block_time=self._time(event),
                )
        return list(stubs.values())

    # Transfers and totals

    async def _fetch(
        self,
        transfers: Mapping[str, Transfer],
        approvals: Mapping[str, Approval],
        swaps: Mapping[str, Swap],
        failed: list[Moved],
        late: Late,
    ) -> None:
        facts = self._facts
        movements: list[Transfer | Moved] = [*transfers.values(), *failed, *late.transfers]
        wallets: set[str | None] = {*facts.wallets, *facts.labelled, *late.wallets}
        for transaction in facts.transactions.values():
            if not self._is_loaded(transaction.id):
                wallets |= {transaction.sender, transaction.recipient}
        wallets |= {receipt.contract for receipt in facts.receipts.values()}
        for movement in movements:
            wallets |= {movement.sender, movement.recipient}
        for approval in approvals.values():
            wallets |= {approval.owner, approval.spender}
        wallets |= {swap.pool for swap in swaps.values()}
        wallets |= self._outputs.owners
        wallets.discard(None)
        tokens = {movement.token for movement in movements} | facts.tokens.keys()
        if self._outputs.owners:
            tokens.add(native_token(self._chain))
        tokens.discard(None)
        holdings = set().union(*(totals.held_by(self._shelves, one) for one in movements))
        await self._shelves.fetch(
            self._writing,
            wallets=sorted(filter(None, wallets)),
            tokens=sorted(filter(None, tokens)),
            pairs={
                (movement.sender, movement.recipient, movement.token)
                for movement in movements
                if movement.sender is not None
            },
            holdings=holdings | self._outputs.holdings,
        )

    async def _write_transfers(self, transfers: list[Transfer]) -> None:
        plain: list[Row] = []
        moved: list[Row] = []
        minted: list[Row] = []
        for transfer in transfers:
            row = transfer_row(
                transfer, amount=self._amount(transfer), block_time=self._time(transfer)
            )
            if transfer.sender is None:
                minted.append(row)
            else:
                (plain if transfer.transaction is None else moved).append(row)
        self.created = [*plain, *moved, *minted]
        self._waits(self.created)
        for name, rows in (
            ("create_transfers", plain),
            ("create_moved_transfers", moved),
            ("create_minted_transfers", minted),
            ("carry_transfers", [row for row in minted if row["transaction"] is not None]),
        ):
            if rows:
                await self._run(name, rows=rows)

    def _amount(self, transfer: Transfer) -> float | None:
        if transfer.token is None or transfer.amount_raw is None:
            return transfer.amount
        return whole_units(transfer.amount_raw, self._shelves.tokens[transfer.token].decimals)

    # What sources say of wallets and tokens themselves

    def _say_wallets(self, counts: Counts) -> None:
        for fact in self._facts.wallets.values():
            wallet = self._shelves.wallets[fact.id]
            before = wallet.kind
            wallet.is_a(fact.kind)
            counts.add(wallet.kind != before or fact.id in self._shelves.wallets.fresh, of=1)
        if self._chain.family is Family.UTXO:
            for key in self._shelves.wallets.fresh:
                self._shelves.wallets[key].is_a(WalletKind.SCRIPT)

    def _say_tokens(self, counts: Counts) -> None:
        tokens = self._shelves.tokens
        native = native_token(self._chain)
        if native in tokens.fresh:
            self._shelves.learn(
                Token(
                    id=native,
                    chain=ChainId(self._chain.id),
                    address="",
                    symbol=self._chain.symbol,
                    name=self._chain.name,
                    decimals=self._chain.decimals,
                )
            )
        for token in self._facts.tokens.values():
            counts.add(self._shelves.learn(token) or token.id in tokens.fresh, of=1)

    async def _put(self, name: str, facts: Iterable[Fact], row: Callable[..., Row]) -> None:
        rows = [row(fact, block_time=self._time(fact)) for fact in facts]
        self._waits(rows)
        if rows:
            await self._run(name, rows=rows)
