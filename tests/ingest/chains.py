"""Chains that a test makes grow and change, told as a node tells them."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import blake2b
from random import Random
from typing import Final

from base58 import b58encode_check

from graph_api.domain.chains import Chain
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    TransactionId,
    account_id,
    native_token,
    output_id,
)
from graph_api.domain.positions import order_key, transfer_id
from graph_api.domain.records import (
    Approval,
    Block,
    Freeze,
    FreezeKind,
    Output,
    Record,
    Spend,
    Swap,
    Token,
    Transaction,
    Transfer,
    UtxoTransaction,
    WalletFact,
    WalletKind,
)
from ingest.sources.chain import BlockFacts, BlockRef, Reorged
from tests.given import BITCOIN, ETHEREUM, NOON, address, erc20, hash_of, wallet

FIRST: Final = 100
_PEOPLE: Final = 9
_TOKENS: Final = 3


class GivenChain:
    """A chain of one family: ``grow`` adds blocks, ``fork`` replaces the newest ones."""

    def __init__(self, chain: Chain, *, seed: int = 0, first: int = FIRST) -> None:
        self.chain, self.first = chain, first
        self._random = Random(seed)
        self._blocks: list[BlockFacts] = []
        self._grown = asyncio.Event()
        self.closed = False
        #: Set while somebody waits for the next head.
        self.waited_for = asyncio.Event()

    # What a test does

    def grow(self, count: int = 1) -> None:
        """New blocks at the head."""
        for _ in range(count):
            self._blocks.append(self._block(self.first + len(self._blocks)))
        self._grown.set()

    def fork(self, depth: int, *, grow: int | None = None) -> None:
        """Replace the newest ``depth`` blocks by ``grow`` others (as many, if not told)."""
        if depth:
            del self._blocks[-depth:]
        self.grow(depth if grow is None else grow)

    @property
    def height(self) -> int:
        """The number of the newest block."""
        return self.first + len(self._blocks) - 1

    @property
    def records(self) -> list[Record]:
        """Everything that the chain says as it stands."""
        return [record for block in self._blocks for record in block.records]

    @property
    def transfers(self) -> list[Transfer]:
        """Transfers in the chain as it stands, in order."""
        found = [one for one in self.records if isinstance(one, Transfer)]
        return sorted(found, key=lambda one: one.order, reverse=True)

    # What a follower asks

    async def head(self) -> BlockRef:
        return self._blocks[-1].ref

    async def final(self) -> int | None:
        return None

    async def ref(self, number: int) -> BlockRef | None:
        assert number >= 0, "No chain has such a block."
        place = number - self.first
        return self._blocks[place].ref if 0 <= place < len(self._blocks) else None

    async def blocks(self, first: int, last: int) -> AsyncIterator[BlockFacts]:
        before: BlockRef | None = None
        for number in range(first, last + 1):
            await asyncio.sleep(0)
            place = number - self.first
            if place >= len(self._blocks):
                raise Reorged(f"Block {number} is not there any more.")
            block = self._blocks[place]
            if before is not None and block.ref.parent_hash != before.hash:
                raise Reorged(f"Block {number} is no child of block {number - 1}.")
            yield block
            before = block.ref

    async def heads(self) -> AsyncIterator[BlockRef]:
        while True:
            self.waited_for.set()
            await self._grown.wait()
            self._grown.clear()
            yield self._blocks[-1].ref

    async def close(self) -> None:
        self.closed = True

    # What is in a block

    def _block(self, number: int) -> BlockFacts:
        parent = self._blocks[-1].ref.hash if self._blocks else hash_of("genesis")
        own = hash_of(f"{parent} {self._random.getrandbits(64)}")
        ref = BlockRef(number=number, hash=own, parent_hash=parent, time=NOON + number * 12_000)
        block = Block(
            chain=ChainId(self.chain.id), number=number, hash=own, parent_hash=parent, time=ref.time
        )
        make = self._coins_of if self.chain is BITCOIN else self._accounts_of
        return BlockFacts(ref=ref, records=(block, *make(ref)))

    def _accounts_of(self, ref: BlockRef) -> list[Record]:
        records: list[Record] = []
        for index in range(self._random.randrange(4)):
            records += self._transaction(self._name(records), ref, index)
        return records

    def _name(self, made: list[Record]) -> str:
        """A transaction that is not in the chain; one of a dropped block may come back."""
        there = {one.id for one in (*self.records, *made) if isinstance(one, Transaction)}
        free = (f"{self._random.randrange(2_000)}" for _ in iter(int, 1))
        return next(one for one in free if f"{ETHEREUM.id}:{hash_of(one)}" not in there)

    def _transaction(self, name: str, ref: BlockRef, index: int) -> list[Record]:
        random = self._random
        id_ = TransactionId(f"{ETHEREUM.id}:{hash_of(name)}")
        sender, other, spender = (f"person {one}" for one in random.sample(range(_PEOPLE), 3))
        kind = random.choice(("pay", "fail", "token", "approve", "swap", "create"))
        token = f"token {random.randrange(_TOKENS)}"
        to = {"pay": other, "fail": other, "create": f"made {name}", "swap": "pool"}.get(
            kind, token
        )
        signed = Transaction(
            id=id_,
            chain=ChainId(ETHEREUM.id),
            hash=hash_of(name),
            sender=wallet(sender),
            recipient=wallet(to),
            value_raw=random.randrange(1, 10**20) if kind in ("pay", "fail") else 0,
            method_id="0xa9059cbb" if kind == "token" else None,
            block_number=ref.number,
            block_time=ref.time,
            index=index,
            status=0 if kind == "fail" else 1,
            gas_used=21_000,
            gas_price_raw=10**9,
            creates=kind == "create",
        )
        found: list[Record] = [signed]
        if kind == "pay":
            found.append(_moved(id_, "native", sender, other, None, signed.value_raw, ref))
        if kind in ("token", "swap"):
            found.append(_token(token))
            found.append(WalletFact(id=wallet(token), kind=WalletKind.CONTRACT))
            amount = random.randrange(2**64, 2**100)
            found.append(_moved(id_, "log:0", sender, other, token, amount, ref))
        if kind == "swap":
            found.append(
                Swap(
                    id=f"{id_}:log:1",
                    chain=ChainId(ETHEREUM.id),
                    transaction=id_,
                    protocol="uniswap_v2",
                    pool=wallet("pool"),
                    sender=wallet(sender),
                    recipient=wallet(sender),
                    amount0_raw=5,
                    amount1_raw=-7,
                    block_number=ref.number,
                    block_time=ref.time,
                )
            )
        if kind == "approve":
            found.append(
                Approval(
                    id=f"{id_}:log:0",
                    chain=ChainId(ETHEREUM.id),
                    transaction=id_,
                    token=erc20(token),
                    owner=wallet(sender),
                    spender=wallet(spender),
                    amount_raw=2**256 - 1,
                    block_number=ref.number,
                    block_time=ref.time,
                )
            )
        return found

    def _coins_of(self, ref: BlockRef) -> list[Record]:
        reward = self._utxo(ref, 0, [], [("miner", 50 * 10**8)])
        found = [reward]
        for index in range(1, 1 + self._random.randrange(3)):
            spendable = self._unspent(found)
            inputs = self._random.sample(
                spendable, self._random.choice((1, min(2, len(spendable))))
            )
            total = sum(one.amount_raw for one in inputs) - 1_000
            if total < 2:
                break
            part = self._random.randrange(1, total)
            people = self._random.sample(range(_PEOPLE), 2)
            outputs = [(f"person {people[0]}", part), (f"person {people[1]}", total - part)]
            found.append(self._utxo(ref, index, inputs, outputs))
        return list(found)

    def _unspent(self, made: list[UtxoTransaction]) -> list[Output]:
        there = [one for one in (*self.records, *made) if isinstance(one, UtxoTransaction)]
        spent = {spend.output for one in there for spend in one.inputs}
        return [output for one in there for output in one.outputs if output.id not in spent]

    def _utxo(
        self, ref: BlockRef, index: int, inputs: list[Output], outputs: list[tuple[str, int]]
    ) -> UtxoTransaction:
        hash_ = hash_of(f"{ref.hash} {index}")[2:]
        id_ = TransactionId(f"{BITCOIN.id}:{hash_}")
        made = tuple(
            Output(id=output_id(id_, place), owner=_owner(name), amount_raw=amount)
            for place, (name, amount) in enumerate(outputs)
        )
        return UtxoTransaction(
            id=id_,
            chain=ChainId(BITCOIN.id),
            hash=hash_,
            block_number=ref.number,
            block_time=ref.time,
            index=index,
            coinbase=not inputs,
            inputs=tuple(
                Spend(output=one.id, owner=one.owner, amount_raw=one.amount_raw) for one in inputs
            ),
            outputs=made,
        )


def _moved(
    transaction: TransactionId,
    position: str,
    sender: str,
    recipient: str,
    token: str | None,
    amount_raw: int,
    ref: BlockRef,
) -> Transfer:
    identity = transfer_id(transaction, position)
    return Transfer(
        id=identity,
        chain=ChainId(ETHEREUM.id),
        transaction=transaction,
        position=position,
        order=order_key(identity, block_number=ref.number, position=position),
        sender=wallet(sender),
        recipient=wallet(recipient),
        token=native_token(ETHEREUM) if token is None else erc20(token),
        amount_raw=amount_raw,
        block_number=ref.number,
        block_time=ref.time,
    )


def _token(name: str) -> Token:
    return Token(
        id=erc20(name),
        chain=ChainId(ETHEREUM.id),
        address=address(name),
        symbol=name.upper(),
        name=name,
        decimals=18,
    )


def _owner(name: str) -> AccountId:
    digest = blake2b(name.encode(), digest_size=20).digest()
    return account_id(BITCOIN, b58encode_check(b"\0" + digest).decode())


class FreezingChain(GivenChain):
    """A chain on which issuers are busy; few wallets, so that acts meet."""

    def _accounts_of(self, ref: BlockRef) -> list[Record]:
        random = Random(ref.hash)
        return [*super()._accounts_of(ref), *(act(ref, random, log) for log in range(3))]


def act(ref: BlockRef, random: Random, log: int) -> Freeze:
    """What an issuer does to somebody, in a transaction of its own."""
    # Some are of nobody who was heard of before.
    who = random.choice((*(f"person {one}" for one in range(3)), f"stranger of {ref.hash}"))
    kind = random.choice([*FreezeKind])
    hash_ = hash_of(f"{ref.hash} ruled {log}")
    return Freeze(
        id=f"{ETHEREUM.id}:{hash_}:log:{log}",
        chain=ChainId(ETHEREUM.id),
        transaction=TransactionId(f"{ETHEREUM.id}:{hash_}"),
        position=f"log:{log}",
        kind=kind,
        token=erc20(f"token {random.randrange(2)}"),
        wallet=wallet(who),
        issuer="Issuer",
        symbol="TOKEN",
        amount_raw=random.randrange(10**20) if kind is FreezeKind.SEIZED else None,
        untold=random.random() < 0.5,
        block_number=ref.number,
        block_time=ref.time,
    )
