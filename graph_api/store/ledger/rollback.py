"""Take one block back: everything that it wrote goes, as if it had never been loaded.

The newest block goes first. What other blocks say of the same wallets and tokens stays.
"""

from typing import Final

import msgspec

from graph_api.domain.ids import native_token
from graph_api.domain.positions import block_bounds
from graph_api.store.graph import Row, Writing
from graph_api.store.ledger import freezes, totals
from graph_api.store.ledger.outputs import OutputState
from graph_api.store.ledger.shelves import Shelves
from graph_api.store.ledger.states import Moved, earliest, latest
from graph_api.store.ledger.terms import replace_terms, token_terms
from graph_api.store.ledger.undo import Undo

#: How many blocks can be taken back: their hashes are kept, and what undoes them.
WINDOW: Final = 256


class Block(msgspec.Struct, frozen=True):
    """A block of the graph, as far as taking it back needs it."""

    number: int
    hash: str | None
    time: int | None
    announced: bool | None
    undo: str | None
    noted: str | None = None


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """What a block had told: rows of its transfers and of acts of issuers, the newest first."""

    transfers: list[Row]
    freezes: list[Row]


async def drop_block(writing: Writing, shelves: Shelves, block: Block) -> Dropped:
    """Delete the facts of ``block``. Returns: what is to be taken back from who was told."""
    return await _Rollback(writing, shelves, block).run()


class _Rollback:
    def __init__(self, writing: Writing, shelves: Shelves, block: Block) -> None:
        self._writing, self._shelves, self._block = writing, shelves, block
        self._chain = shelves.chain
        self._undo = Undo.whole(block.undo, block.noted)

    async def run(self) -> Dropped:
        shelves = self._shelves
        await shelves.begin(self._writing)
        bounds = block_bounds(self._chain.id, lowest=self._block.number, highest=self._block.number)
        transactions = await self._of_block("transactions_of_blocks", *bounds)
        transfers = await self._of_block("transfers_of_blocks", *bounds)
        transfers.sort(key=lambda row: str(row["order_key"]))
        ids = [row["id"] for row in transactions]
        events = await self._run("events_of_transactions", ids) if ids else []
        outputs = await self._run("outputs_of_transactions", ids) if ids else []
        ruled = await freezes.take_back(self._writing, ids)
        moved = [msgspec.convert(row, Moved, strict=False) for row in transfers]
        others = {row[role] for row in transactions for role in ("sender", "recipient")}
        others |= {row[role] for row in events for role in ("owner", "spender", "pool")}
        others |= {row["owner"] for row in outputs} | {row["wallet"] for row in ruled}
        others.discard(None)
        owned = {(row["owner"], native_token(self._chain)) for row in outputs if row["owner"]}
        parties = {party for one in moved for party in (one.sender, one.recipient) if party}
        await shelves.fetch(
            self._writing,
            wallets=sorted(others | parties | set(self._undo.kinds) | set(self._undo.wallets)),
            tokens=sorted(
                {one.token for one in moved if one.token}
                | {token for _, token in owned}
                | set(self._undo.tokens)
            ),
            pairs={(one.sender, one.recipient, one.token) for one in moved if one.sender},
            holdings=owned.union(*(totals.held_by(shelves, one) for one in moved)),
        )

        # Another block that made room for this one has forgotten them already.
        absent = shelves.wallets.fresh & {*self._undo.kinds, *self._undo.wallets}
        for wallet in absent:
            shelves.wallets.forget(wallet)

        await self._delete("delete_approvals", [row["id"] for row in events if row["owner"]])
        await self._delete("delete_swaps", [row["id"] for row in events if row["pool"]])
        await self._take_outputs_back(outputs, ids)
        await self._delete("delete_transactions", ids)
        await totals.take_back(self._writing, shelves, moved)
        for wallet in sorted(others - parties):
            await totals.look_at_wallet(self._writing, shelves, wallet)
        for wallet, token in sorted(owned):
            await self._look_at_outputs(wallet, token)
        for wallet in self._undo.kinds.keys() - absent:
            shelves.wallets[wallet].kind = self._undo.kinds[wallet]
        await self._count(len(transactions))
        await self._forget_new()
        await self._run("delete_blocks", [f"{self._chain.id}:{self._block.number}"])
        return Dropped(transfers=transfers, freezes=ruled[::-1])

    async def _of_block(self, name: str, low: str, high: str) -> list[Row]:
        rows = await self._writing.run(f"ledger/{name}", low=low, high=high)
        # Two chains may share the digest that their keys begin with.
        return [row for row in rows if row["chain"] == self._chain.id]

    async def _run(self, name: str, ids: list[str]) -> list[Row]:
        return await self._writing.run(f"ledger/{name}", ids=ids)

    async def _delete(self, name: str, ids: list[str]) -> None:
        if ids:
            await self._run(name, ids)

    # Outputs of UTXO chains

    async def _take_outputs_back(self, rows: list[Row], transactions: list[str]) -> None:
        """Outputs that the block created are not there; those that it spent are unspent."""
        by_output: dict[str, list[Row]] = {}
        for row in rows:
            by_output.setdefault(row["id"], []).append(row)
        kept, gone = [], []
        for key, ties in by_output.items():
            before = msgspec.convert(ties[0], OutputState, strict=False)
            after = msgspec.structs.replace(before)
            for tie in ties:
                if tie["tie"] == "CREATED":
                    after.created = False
                else:
                    after.spent = False
            self._uncount_output(before, after, len(ties))
            if after.created or after.spent:
                kept.append(
                    msgspec.structs.asdict(after)
                    | {
                        "chain": self._chain.id,
                        "amount_raw": None if after.amount_raw is None else str(after.amount_raw),
                    }
                )
            else:
                gone.append(key)
        if kept:
            await self._writing.run("ledger/set_outputs", rows=kept)
        await self._delete("delete_outputs", gone)

    def _uncount_output(self, before: OutputState, after: OutputState, moments: int) -> None:
        if before.owner is None:
            return
        holding = self._shelves.holding(before.owner, native_token(self._chain))
        holding.transfers -= moments
        self._shelves.change(
            holding,
            received=after.received_raw - before.received_raw,
            sent=after.sent_raw - before.sent_raw,
        )

    async def _look_at_outputs(self, wallet: str, token: str) -> None:
        (row,) = await self._writing.run("ledger/times_of_outputs", wallet=wallet)
        holding, state = self._shelves.holding(wallet, token), self._shelves.wallets[wallet]
        holding.first_at, holding.last_at = row["first_at"], row["last_at"]
        holding.since_block = row["since_block"]
        state.first_seen_at = earliest(state.first_seen_at, row["first_at"])
        state.last_seen_at = latest(state.last_seen_at, row["last_at"])

    # Counters, and what was new

    async def _count(self, transactions: int) -> None:
        counters, block = self._shelves.counters, self._block
        counters.blocks -= 1
        counters.transactions -= transactions
        if counters.first_block == block.number:
            counters.first_block = counters.first_at = None
        if counters.last_block == block.number:
            counters.last_block, counters.last_at = await self._newest_left()

    async def _newest_left(self) -> tuple[int | None, int | None]:
        """Number and time of the newest block below that anything is known of."""
        number = self._block.number
        near = [f"{self._chain.id}:{one}" for one in range(max(0, number - WINDOW), number)]
        rows = await self._writing.run("blocks/hashes", ids=near)
        if not rows:
            low, high = block_bounds(self._chain.id, lowest=0, highest=number - 1)
            rows = await self._writing.run("ledger/newest_transaction", low=low, high=high)
        newest = max(rows, key=lambda row: int(row["number"]), default=None)
        return (newest["number"], newest["time"]) if newest else (None, None)

    async def _forget_new(self) -> None:
        """Wallets and tokens that came with the block and that nothing else refers to."""
        shelves = self._shelves
        lone = []
        if self._undo.wallets:
            lone = [row["id"] for row in await self._run("lone_wallets", self._undo.wallets)]
        tokens = [key for key in self._undo.tokens if shelves.tokens[key].transfers == 0]
        dropped = [shelves.tokens[key] for key in tokens]
        for key in lone:
            shelves.wallets.forget(key)
        for key in tokens:
            shelves.tokens.forget(key)
        shelves.counters.wallets -= len(lone)
        await shelves.flush_nodes(self._writing)
        await shelves.flush_totals(self._writing)
        await replace_terms(self._writing, old=token_terms(dropped), new=[])
        await self._delete("delete_wallets", lone)
        await self._delete("delete_tokens", tokens)
        if self._block.noted:
            await self._hand_on(gone={*lone, *tokens})

    async def _hand_on(self, *, gone: set[str]) -> None:
        """What was told out of turn may be new in another block: whoever goes last forgets it."""
        told = Undo.whole(self._block.noted)
        left = Undo(
            wallets=[one for one in told.wallets if one not in gone],
            tokens=[one for one in told.tokens if one not in gone],
        )
        number = self._block.number
        near = range(max(0, number - WINDOW), number + WINDOW)
        ids = [f"{self._chain.id}:{one}" for one in near if one != number]
        others = await self._run("noted_blocks", ids) if left != Undo() else []
        heirs = [row for row in others if row["number"] > number and row["noted"]]
        heirs += sorted(
            (row for row in others if row["number"] < number), key=lambda row: -int(row["number"])
        )[:1]
        for heir in heirs:
            name = "noted" if heir["noted"] else "undo"
            merged = Undo.whole(heir[name])
            merged += left
            texts = {"undo": heir["undo"], "noted": heir["noted"]}
            texts[name] = msgspec.json.encode(merged).decode()
            id_ = f"{self._chain.id}:{heir['number']}"
            await self._writing.run("ledger/hand_on", id=id_, **texts)
