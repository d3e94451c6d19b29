"""Everything the writer of a chain keeps at hand, and how it is read and written back."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import msgspec

from graph_api.domain.chains import Chain
from graph_api.domain.ids import AccountId, address_of
from graph_api.domain.positions import owner_digest
from graph_api.domain.records import Token
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger.shelf import Shelf
from graph_api.store.ledger.states import (
    ChainState,
    FlowState,
    HoldingState,
    TokenState,
    WalletState,
    busiest_first,
    flow_id,
    holding_id,
    whole_units,
)
from graph_api.store.ledger.terms import replace_terms, token_terms

#: From this many flows on, a wallet's flows are kept in the order of their transfers.
HUB_FLOWS: Final = 1_000
_KEPT: Final = 100_000


class Shelves:
    """Wallets, tokens, flows and holdings of one chain, and its counters."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.wallets = Shelf(WalletState, capacity=_KEPT)
        self.tokens = Shelf(TokenState, capacity=_KEPT)
        self.flows = Shelf(FlowState, capacity=_KEPT)
        self.holdings = Shelf(HoldingState, capacity=_KEPT)
        self._chains = Shelf(ChainState, capacity=1)
        self._all: tuple[Shelf[Any], ...] = (
            self.wallets,
            self.tokens,
            self.flows,
            self.holdings,
            self._chains,
        )
        self._new_hubs: set[tuple[str, str]] = set()
        self._renamed: dict[str, TokenState] = {}

    @property
    def counters(self) -> ChainState:
        """The chain's own counters."""
        return self._chains[self.chain.id]

    def commit(self) -> None:
        """The transaction holds."""
        for shelf in self._all:
            shelf.commit()

    def rollback(self) -> None:
        """The transaction is gone."""
        self._new_hubs = set()
        self._renamed = {}
        for shelf in self._all:
            shelf.rollback()

    async def begin(self, writing: Writing) -> None:
        """Start a transaction with the chain's counters."""
        self.rollback()
        await self._chains.fetch(
            [self.chain.id], _reader(writing, "known_chain", ChainState, one=True)
        )

    async def fetch(
        self,
        writing: Writing,
        *,
        wallets: Iterable[str],
        tokens: Iterable[str],
        pairs: Iterable[tuple[str, str, str | None]],
        holdings: Iterable[tuple[str, str]],
    ) -> None:
        """Make all of these ready to change. ``pairs`` are (sender, recipient, token)."""
        await self.wallets.fetch(wallets, _reader(writing, "known_wallets", WalletState))
        await self.tokens.fetch(tokens, _reader(writing, "known_tokens", TokenState))
        flows = {flow_id(*pair): pair for pair in pairs}
        held = {holding_id(*pair): pair for pair in holdings}
        # A wallet that is not in the graph yet has neither flows nor holdings there.
        absent = {
            key
            for some in (flows, held)
            for key, pair in some.items()
            if not self.wallets.fresh.isdisjoint(pair)
        }
        reader = _reader(writing, "known_flows", FlowState)
        await self.flows.fetch(flows, reader, absent=absent)
        for key in self.flows.fresh & flows.keys():
            state = self.flows[key]
            state.sender, state.recipient, state.token = flows[key]
        reader = _reader(writing, "known_holdings", HoldingState)
        await self.holdings.fetch(held, reader, absent=absent)
        for key in self.holdings.fresh & held.keys():
            self.holdings[key].wallet, self.holdings[key].token = held[key]

    def learn(self, token: Token) -> bool:
        """Fill in what is not known of a token yet; whether anything was new."""
        state = self.tokens[token.id]
        before = msgspec.structs.replace(state)
        learned = state.learn(token)
        if (state.symbol, state.name) != (before.symbol, before.name):
            self._renamed.setdefault(token.id, before)
        return learned

    def flow(self, sender: str, recipient: str, token: str | None) -> FlowState:
        """The flow of a pair and a token."""
        return self.flows[flow_id(sender, recipient, token)]

    def grow(self, flow: FlowState) -> None:
        """A flow that has no transfer yet is about to get one: it counts at both wallets."""
        if flow.transfers == 0:
            self._grow(flow.sender, "flows_out")
            self._grow(flow.recipient, "flows_in")

    def shrink(self, flow: FlowState) -> None:
        """A flow that no transfer is left of counts at no wallet."""
        if flow.transfers == 0:
            self.wallets[flow.sender].flows_out -= 1
            self.wallets[flow.recipient].flows_in -= 1
            flow.amount_raw = 0

    def holding(self, wallet: str, token: str) -> HoldingState:
        """What a wallet received and sent of a token."""
        return self.holdings[holding_id(wallet, token)]

    def change(
        self, holding: HoldingState, *, received: int = 0, sent: int = 0, uncounted: int = 0
    ) -> None:
        """Add to a holding; its token counts the wallets that hold more than nothing."""
        held = holding.net_raw > 0
        holding.received_raw += received
        holding.sent_raw += sent
        holding.uncounted += uncounted
        self.tokens[holding.token].holders += (holding.net_raw > 0) - held

    def _grow(self, wallet: str, counter: str) -> None:
        state = self.wallets[wallet]
        flows = getattr(state, counter) + 1
        setattr(state, counter, flows)
        if flows == HUB_FLOWS:
            self._new_hubs.add((wallet, counter))

    async def flush_nodes(self, writing: Writing) -> None:
        """Write wallets and tokens, which everything else refers to."""
        fresh, changed = [], []
        for key, wallet in self.wallets.touched.items():
            row = msgspec.structs.asdict(wallet)
            if key in self.wallets.fresh:
                row |= {"chain": self.chain.id, "address": address_of(AccountId(key))}
                fresh.append(row)
            else:
                changed.append(row)
        self.counters.wallets += len(fresh)
        await _write(writing, "create_wallets", fresh)
        await _write(writing, "set_wallets", changed)
        await _write(
            writing, "set_tokens", [self._token(state) for state in self.tokens.touched.values()]
        )
        await replace_terms(
            writing,
            old=token_terms(self._renamed.values()),
            new=token_terms(self.tokens[key] for key in self._renamed),
        )

    async def flush_totals(self, writing: Writing) -> None:
        """Write flows, holdings and the chain's counters."""
        await self._delete_empty(writing, "flows", self.flows)
        await self._delete_empty(writing, "holdings", self.holdings)
        await self._split(writing, "flows", self.flows, self._flow)
        await self._split(writing, "holdings", self.holdings, self._holding)
        for wallet, counter in sorted(self._new_hubs):
            await self._rank(writing, wallet, outgoing=counter == "flows_out")
        await writing.run("ledger/set_chain", row=msgspec.structs.asdict(self.counters))

    async def _delete_empty(self, writing: Writing, name: str, shelf: Shelf[Any]) -> None:
        """What no transfer is left of goes, as if it had never been."""
        empty = [key for key, state in shelf.touched.items() if state.transfers == 0]
        for key in empty:
            shelf.forget(key)
        await _write_ids(
            writing, f"delete_{name}", [key for key in empty if key not in shelf.fresh]
        )

    async def _split(
        self, writing: Writing, name: str, shelf: Shelf[Any], row: Callable[[Any], Row]
    ) -> None:
        fresh = [row(state) for key, state in shelf.touched.items() if key in shelf.fresh]
        changed = [row(state) for key, state in shelf.touched.items() if key not in shelf.fresh]
        await _write(writing, f"create_{name}", fresh)
        await _write(writing, f"set_{name}", changed)

    async def _rank(self, writing: Writing, wallet: str, *, outgoing: bool) -> None:
        found = await writing.run(
            "ledger/flows_out_of" if outgoing else "ledger/flows_into", wallet=wallet
        )
        rows = [
            {"id": flow["id"], "rank": busiest_first(wallet, flow["transfers"], flow["id"])}
            for flow in found
        ]
        await _write(
            writing, "rank_flows_by_sender" if outgoing else "rank_flows_by_recipient", rows
        )

    def _token(self, state: TokenState) -> Row:
        native = state.id == self.chain.native
        return msgspec.structs.asdict(state) | {
            "chain": self.chain.id,
            "address": None if native else address_of(AccountId(state.id)),
            "rank_key": busiest_first(self.chain.id, state.transfers, owner_digest(state.id))
            if state.transfers
            else None,
        }

    def _decimals(self, token: str | None) -> int | None:
        return self.tokens[token].decimals if token is not None else None

    def _flow(self, flow: FlowState) -> Row:
        sender, recipient = self.wallets[flow.sender], self.wallets[flow.recipient]
        row = msgspec.structs.asdict(flow)
        del row["usd_micros"], row["priced"]
        return row | {
            "chain": self.chain.id,
            "amount_raw": _text(flow.amount_raw),
            "amount": whole_units(flow.amount_raw, self._decimals(flow.token)),
            "sender_rank": busiest_first(sender.id, flow.transfers, flow.id)
            if sender.flows_out >= HUB_FLOWS
            else None,
            "recipient_rank": busiest_first(recipient.id, flow.transfers, flow.id)
            if recipient.flows_in >= HUB_FLOWS
            else None,
        }

    def _holding(self, holding: HoldingState) -> Row:
        return msgspec.structs.asdict(holding) | {
            "chain": self.chain.id,
            "received_raw": str(holding.received_raw),
            "sent_raw": str(holding.sent_raw),
            "net_raw": str(holding.net_raw),
            "amount": whole_units(holding.net_raw, self._decimals(holding.token)),
            "rank_key": holding.rank_key,
        }


def _reader(
    writing: Writing, name: str, state: type[Any], *, one: bool = False
) -> Callable[[list[str]], Awaitable[dict[str, Any]]]:
    async def load(ids: list[str]) -> dict[str, Any]:
        parameters = {"chain": ids[0]} if one else {"ids": ids}
        rows = await writing.run(f"ledger/{name}", **parameters)
        # Exact amounts are text in the graph and integers here.
        return {row["id"]: msgspec.convert(row, state, strict=False) for row in rows}

    return load


async def _write(writing: Writing, name: str, rows: list[Row]) -> None:
    if rows:
        await writing.run(f"ledger/{name}", rows=rows)


async def _write_ids(writing: Writing, name: str, ids: list[str]) -> None:
    if ids:
        await writing.run(f"ledger/{name}", ids=ids)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
