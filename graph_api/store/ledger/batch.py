"""One batch of one chain in one transaction: what is new, what it does to totals, the writes."""

from collections.abc import Iterator

import msgspec

from graph_api.domain.chains import Chain, Family
from graph_api.domain.ids import ChainId, native_token
from graph_api.domain.records import Token, Transfer, WalletKind
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger import freezes, totals, undo
from graph_api.store.ledger.blocks import Blocks
from graph_api.store.ledger.events import Events, new_events, write_events
from graph_api.store.ledger.facts import Facts
from graph_api.store.ledger.late import Late
from graph_api.store.ledger.outputs import Outputs
from graph_api.store.ledger.places import Counts
from graph_api.store.ledger.shelves import Shelves
from graph_api.store.ledger.states import Moved
from graph_api.store.ledger.transactions import Transactions
from graph_api.store.ledger.undo import Undo


class Batch:
    """The facts of one chain on their way into the graph."""

    def __init__(
        self, writing: Writing, chain: Chain, shelves: Shelves, facts: Facts, *, repeats: bool
    ) -> None:
        self._writing, self._chain, self._shelves, self._facts = writing, chain, shelves, facts
        #: Whether rows of the dataset may be in the graph that its checkpoint does not know of.
        self._repeats = repeats
        self._blocks = Blocks(writing, shelves, facts)
        self._transactions = Transactions(writing, shelves, facts, self._blocks)
        self._outputs = Outputs(writing, chain, shelves, facts.utxo)
        #: Rows of the transfers that are new, and of what issuers did.
        self.created: list[Row] = []
        self.ruled: list[Row] = []
        #: How to take back what these do not tell.
        self.undo = Undo()

    async def write(self) -> Counts:
        """Write everything that is new; what is there already changes nothing."""
        facts, shelves, counts = self._facts, self._shelves, Counts()
        await shelves.begin(self._writing)
        await self._transactions.read()
        await self._blocks.write(counts)
        new = await new_events(
            self._writing, shelves, facts, self._transactions, repeats=self._repeats
        )
        failed = await self._failed()
        late = await self._blocks.late(but=frozenset(moved.id for moved in failed))
        await self._outputs.read(self._transactions.not_loaded(facts.utxo))

        await self._fetch(new, failed, late)
        kinds = undo.kinds(shelves)
        await totals.take_back(self._writing, shelves, failed)
        await self._blocks.date(late)
        self._say_tokens(counts)
        self._say_wallets(counts)
        self._say_activity(new)
        for transfer in new.transfers.values():
            totals.add(shelves, transfer, self._blocks.time_of(transfer))
        self._outputs.count()
        self.undo = undo.undo(shelves, kinds)

        await shelves.flush_nodes(self._writing)
        await self._transactions.write(counts, new)
        self.created = await write_events(self._writing, shelves, self._blocks, new)
        self.ruled = await freezes.write(self._writing, new.freezes.values())
        await self._outputs.write()
        await shelves.flush_totals(self._writing)
        if totals.counts_holdings(shelves):
            counts.add(len(new.transfers.keys() & facts.transfers.keys()), of=len(facts.transfers))
        counts.add(len(new.approvals), of=len(facts.approvals))
        counts.add(len(new.swaps), of=len(facts.swaps))
        counts.add(len(new.freezes), of=len(facts.freezes))
        return counts

    async def _failed(self) -> list[Moved]:
        """Transfers in the graph that turn out not to have happened."""
        ids = [f"{key}:native" for key in self._transactions.turned_out_failed()]
        if not ids:
            return []
        rows = await self._writing.run("ledger/transfers_to_retract", ids=ids)
        return [msgspec.convert(row, Moved, strict=False) for row in rows]

    async def _fetch(self, new: Events, failed: list[Moved], late: Late) -> None:
        """Put everything on the shelves that the batch may change."""
        wallets = {*self._named_wallets(new), *late.wallets}
        tokens: set[str | None] = {*self._facts.tokens}
        pairs: set[tuple[str, str, str | None]] = set()
        holdings = self._outputs.holdings
        if holdings:
            tokens.add(native_token(self._chain))
        movements: list[Transfer | Moved] = [*new.transfers.values(), *failed, *late.transfers]
        for movement in movements:
            wallets.update(totals.parties(movement))
            tokens.add(movement.token)
            holdings.update(totals.held_by(self._shelves, movement))
            if movement.sender is not None:
                pairs.add((movement.sender, movement.recipient, movement.token))
        await self._shelves.fetch(
            self._writing,
            wallets=sorted(filter(None, wallets)),
            tokens=sorted(filter(None, tokens)),
            pairs=pairs,
            holdings=holdings,
        )

    def _named_wallets(self, new: Events) -> Iterator[str | None]:
        """Wallets that anything but a movement names."""
        facts = self._facts
        yield from facts.wallets
        yield from facts.labelled
        yield from self._outputs.owners
        for transaction in self._transactions.not_loaded(facts.transactions).values():
            yield transaction.sender
            yield transaction.recipient
        for receipt in facts.receipts.values():
            yield receipt.contract
        for approval in new.approvals.values():
            yield approval.owner
            yield approval.spender
        for swap in new.swaps.values():
            yield swap.pool
        for freeze in new.freezes.values():
            yield freeze.wallet

    # What sources say of wallets and tokens

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

    def _say_wallets(self, counts: Counts) -> None:
        wallets = self._shelves.wallets
        for fact in self._facts.wallets.values():
            wallet = wallets[fact.id]
            before = wallet.kind
            wallet.is_a(fact.kind)
            counts.add(wallet.kind != before or fact.id in wallets.fresh, of=1)
        if self._chain.family is Family.UTXO:
            for key in wallets.fresh:
                wallets[key].is_a(WalletKind.SCRIPT)

    def _say_activity(self, new: Events) -> None:
        """What transactions, receipts, approvals and swaps tell of the wallets in them."""
        wallets, time_of = self._shelves.wallets, self._blocks.time_of
        for transaction in self._transactions.not_loaded(self._facts.transactions).values():
            time = time_of(transaction)
            self._shelves.counters.covers(transaction.block_number, time)
            wallets[transaction.sender].is_a(WalletKind.EOA)
            wallets[transaction.sender].seen(time)
            if transaction.recipient is not None:
                recipient = wallets[transaction.recipient]
                recipient.seen(time)
                if transaction.creates and self._transactions.status(transaction.id) != 0:
                    recipient.is_a(WalletKind.CONTRACT)
        for receipt in self._facts.receipts.values():
            happened = self._transactions.status(receipt.transaction) != 0
            if receipt.contract is not None and happened:
                wallets[receipt.contract].is_a(WalletKind.CONTRACT)
        for approval in new.approvals.values():
            wallets[approval.owner].seen(time_of(approval))
        for swap in new.swaps.values():
            wallets[swap.pool].is_a(WalletKind.CONTRACT)
            wallets[swap.pool].seen(time_of(swap))
