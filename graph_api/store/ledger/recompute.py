"""Totals worked out anew from the facts, and compared with those that are kept.

Facts are streamed once, page by page, into parts on disk; a part at a time is added up in memory.
Of derived data this covers flows, holdings, and the counters of wallets, tokens and chains. Nobody
may write meanwhile.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from graph_api.domain.chains import CHAINS, Family, chain_of
from graph_api.domain.ids import AccountId, chain_id_of, native_token
from graph_api.domain.prices import micros
from graph_api.store.graph import Graph, Row, Writing
from graph_api.store.ledger.differences import Difference, Kept, differences, packed, unpacked
from graph_api.store.ledger.spool import Spool
from graph_api.store.ledger.states import (
    ChainState,
    FlowState,
    HoldingState,
    TokenState,
    WalletState,
    earliest,
    flow_id,
    holding_id,
)

PAGE: Final = 5_000
#: What may be in memory at once: states of one part.
_PER_PART: Final = 200_000
_MOST_PARTS: Final = 200
_UTXO: Final = frozenset(chain.id for chain in CHAINS if chain.family is Family.UTXO)


class Recount:
    """The totals of a graph, worked out from its facts below ``folder``, an empty one."""

    def __init__(self, graph: Graph, folder: Path) -> None:
        self._graph, self._folder = graph, folder
        self._tokens: dict[str, TokenState] = {}
        self._chains = {chain.id: ChainState(chain.id) for chain in CHAINS}
        #: How many of each kind were compared.
        self.compared: Counter[str] = Counter()

    async def differences(self) -> AsyncIterator[Difference]:
        """Everything that is not as it should be: wallets, tokens and chains first."""
        parts = await self._parts()
        sums = Spool(self._folder / "sums", parts=parts)
        wallets = Spool(self._folder / "wallets", parts=parts)
        wrong = Spool(self._folder / "wrong", parts=1)
        try:
            await self._spool_facts(sums, wallets)
            await self._spool_kept(sums, wallets)
            for part in sums.parts():
                for difference in self._sums(part, wallets):
                    wrong.put("", packed(difference))
            for part in wallets.parts():
                for difference in self._wallets(part):
                    yield difference
            async for difference in self._counters():
                yield difference
            for part in wrong.parts():
                for item in part:
                    yield unpacked(item)
        finally:
            for spool in (sums, wallets, wrong):
                spool.close()

    # Reading

    async def _parts(self) -> int:
        rows = await self._graph.write(lambda writing: writing.run("recompute/sizes"))
        states = sum(5 * int(row["transfers"]) + int(row["wallets"]) for row in rows)
        return min(1 + states // _PER_PART, _MOST_PARTS)

    async def _pages(self, name: str) -> AsyncIterator[list[Row]]:
        after = ""
        while True:

            async def page(writing: Writing, after: str = after) -> list[Row]:
                return await writing.run(f"recompute/{name}", after=after, limit=PAGE)

            rows = await self._graph.write(page)
            ids = [row["id"] for row in rows]
            if ids != sorted(ids):
                raise RuntimeError(f"{name} do not come in the order of their ids.")
            if rows:
                yield rows
            if len(rows) < PAGE:
                return
            after = ids[-1]

    async def _each(self, name: str) -> AsyncIterator[Row]:
        async for rows in self._pages(name):
            for row in rows:
                yield row

    async def _spool_facts(self, sums: Spool, wallets: Spool) -> None:
        async for row in self._each("transfers"):
            self._transfer(row, sums, wallets)
        async for row in self._each("transactions"):
            chain = self._chains[row["chain"]]
            chain.transactions += 1
            chain.untimed += _waits(row)
            if row["value_raw"] is not None:
                chain.covers(row["block_number"], row["block_time"])
                _seen(wallets, row["block_time"], row["sender"], row["recipient"])
        for name in ("approvals", "swaps"):
            async for row in self._each(name):
                self._chains[row["chain"]].untimed += _waits(row)
                _seen(wallets, row["block_time"], row["wallet"])
        async for row in self._each("blocks"):
            chain = self._chains[row["chain"]]
            chain.blocks += 1
            chain.covers(row["number"], row["time"])
        async for rows in self._pages("outputs"):
            await self._outputs(rows, sums, wallets)

    def _transfer(self, row: Row, sums: Spool, wallets: Spool) -> None:
        sender, recipient, token = row["sender"], row["recipient"], row["token"]
        amount, block, time = row["amount_raw"], row["block_number"], row["block_time"]
        chain = self._chains[row["chain"]]
        chain.transfers += 1
        chain.untimed += _waits(row)
        chain.covers(block, time)
        order = row["order_key"].partition("|")[2]
        wallets.put(recipient, ("moved", recipient, 1, 0, time, order))
        if sender is not None:
            wallets.put(sender, ("moved", sender, 0, 1, time, order))
            key = flow_id(sender, recipient, token)
            sums.put(key, ("flow", key, sender, recipient, token, amount, time, row["usd"]))
        if token is None:
            return
        state = self._token(token)
        state.transfers += 1
        state.unscaled += amount is not None and row["amount"] is None
        if chain.id in _UTXO:
            return
        unknown = amount is None
        for wallet in dict.fromkeys((recipient, sender)):
            if wallet is not None:
                key = holding_id(wallet, token)
                received = (amount or "0") if wallet == recipient else "0"
                sent = (amount or "0") if wallet == sender else "0"
                sides = (wallet == recipient) + (wallet == sender)
                moment = (unknown * sides, block, time)
                sums.put(key, ("holding", key, wallet, token, received, sent, 1, *moment))

    async def _outputs(self, rows: list[Row], sums: Spool, wallets: Spool) -> None:
        owned = {row["id"]: row for row in rows if row["owner"] is not None}
        for row in owned.values():
            token = native_token(chain_of(row["chain"]))
            amount = row["amount_raw"] or "0"
            received, sent = (amount if row[side] else "0" for side in ("created", "spent"))
            holding = holding_id(row["owner"], token)
            start = ("holding", holding, row["owner"], token)
            sums.put(holding, (*start, received, sent, 0, 0, None, None))
        if not owned:
            return

        async def read(writing: Writing) -> list[Row]:
            return await writing.run("ledger/output_moments", ids=list(owned))

        for moment in await self._graph.write(read):
            row = owned[moment["id"]]
            token, time = native_token(chain_of(row["chain"])), moment["block_time"]
            holding = holding_id(row["owner"], token)
            start = ("holding", holding, row["owner"], token)
            sums.put(holding, (*start, "0", "0", 1, 0, moment["block_number"], time))
            _seen(wallets, time, row["owner"])

    async def _spool_kept(self, sums: Spool, wallets: Spool) -> None:
        for name in ("flows", "holdings"):
            async for row in self._each(name):
                sums.put(row["id"], (name, row["id"], row))
        async for row in self._each("wallets"):
            self._chains[row.pop("chain")].wallets += 1
            wallets.put(row["id"], ("wallets", row["id"], row))

    # Adding up

    def _sums(self, items: Iterable[tuple[Any, ...]], wallets: Spool) -> Iterator[Difference]:
        flows: dict[str, FlowState] = {}
        holdings: dict[str, HoldingState] = {}
        kept_flows: dict[str, FlowState] = {}
        kept_holdings: dict[str, HoldingState] = {}
        for tag, key, *rest in items:
            if tag == "flow":
                sender, recipient, token, *moved = rest
                flow = FlowState(key, sender=sender, recipient=recipient, token=token)
                _add_flow(flows.setdefault(key, flow), *moved)
            elif tag == "holding":
                wallet, token, *moved = rest
                holding = HoldingState(key, wallet=wallet, token=token)
                _add_holding(holdings.setdefault(key, holding), *moved)
            elif tag == "flows":
                kept_flows[key] = msgspec.convert(rest[0], FlowState, strict=False)
            else:
                kept_holdings[key] = msgspec.convert(rest[0], HoldingState, strict=False)
        for flow in flows.values():
            wallets.put(flow.sender, ("flowed", flow.sender, 0, 1))
            wallets.put(flow.recipient, ("flowed", flow.recipient, 1, 0))
        held = {key: one for key, one in holdings.items() if one.transfers}
        for holding in held.values():
            self._token(holding.token).holders += holding.net_raw > 0
        yield from self._compared("Flow", flows, kept_flows)
        yield from self._compared("Holding", held, kept_holdings)

    def _wallets(self, items: Iterable[tuple[Any, ...]]) -> Iterator[Difference]:
        right: dict[str, WalletState] = {}
        kept: dict[str, WalletState] = {}
        for tag, key, *rest in items:
            wallet = right.setdefault(key, WalletState(key))
            if tag == "moved":
                came, went, time, order = rest
                wallet.transfers_in += came
                wallet.transfers_out += went
                wallet.seen(time)
                wallet.newest = order if wallet.newest is None else min(wallet.newest, order)
            elif tag == "seen":
                wallet.seen(rest[0])
            elif tag == "flowed":
                wallet.flows_in += rest[0]
                wallet.flows_out += rest[1]
            else:
                kept[key] = msgspec.convert(rest[0], WalletState, strict=False)
        for key in right.keys() - kept.keys():
            self._chains[chain_id_of(AccountId(key))].wallets += 1
        yield from self._compared("Wallet", right, kept)

    async def _counters(self) -> AsyncIterator[Difference]:
        kept: dict[str, TokenState] = {}
        async for row in self._each("tokens"):
            state = self._token(row["id"])
            del row["chain"]
            kept[state.id] = msgspec.convert(row, TokenState, strict=False)
        for difference in self._compared("Token", self._tokens, kept):
            yield difference

        async def chains(writing: Writing) -> dict[str, ChainState]:
            found = {}
            for chain in self._chains:
                for row in await writing.run("ledger/known_chain", chain=chain):
                    found[chain] = msgspec.convert(row, ChainState)
            return found

        known = await self._graph.write(chains)
        there = {key: one for key, one in self._chains.items() if one != ChainState(key)}
        there |= {key: self._chains[key] for key in known}
        for difference in self._compared("Chain", there, known):
            yield difference

    def _compared(
        self, kind: str, right: dict[str, Kept], kept: dict[str, Kept]
    ) -> Iterator[Difference]:
        self.compared[kind] += len(right.keys() | kept.keys())
        return differences(kind, right, kept)

    def _token(self, token: str) -> TokenState:
        return self._tokens.setdefault(token, TokenState(token))


def _add_flow(flow: FlowState, amount: str | None, time: int | None, usd: float | None) -> None:
    flow.transfers += 1
    known = flow.amount_raw is not None and amount is not None
    flow.amount_raw = (flow.amount_raw or 0) + int(amount or 0) if known else None
    flow.seen(time)
    if usd is not None:
        flow.usd_micros += micros(usd)
        flow.priced += 1


def _add_holding(
    holding: HoldingState,
    received: str,
    sent: str,
    transfers: int,
    uncounted: int,
    block: int | None,
    time: int | None,
) -> None:
    holding.received_raw += int(received)
    holding.sent_raw += int(sent)
    holding.transfers += transfers
    holding.uncounted += uncounted
    holding.since_block = earliest(holding.since_block, block)
    holding.seen(time)


def _seen(wallets: Spool, time: int | None, *ids: str | None) -> None:
    for wallet in ids:
        if wallet is not None:
            wallets.put(wallet, ("seen", wallet, time))


def _waits(row: Row) -> bool:
    return row["block_time"] is None and row["block_number"] is not None
