"""Laundering that was planted: through hops, splits, swaps and bridges to exits that are known.

Each route's wallets deal with strangers as well: before, between and after; pools serve others, a
bridge pays others, and addresses of the routes get amounts elsewhere that are too early, too late
or too large to be theirs.
"""

import random
from collections import Counter

import msgspec
import pytest

from graph_api.analysis.tracing.limits import Ended
from graph_api.analysis.tracing.pieces import Fate
from graph_api.analysis.tracing.policies import Policy
from graph_api.domain.assets import Asset
from graph_api.domain.categories import Category
from graph_api.domain.ids import AccountId, ChainId, TokenId, token_id
from graph_api.domain.records import Record, Swap, Transfer
from graph_api.services.tracing.questions import TraceQuestion
from graph_api.services.tracing.running import trace
from graph_api.store import prices
from tests import given
from tests.given import ETHEREUM, NOON, NOW, Ledger, transaction_id_of, wallet
from tests.services.tracing.test_accounts import POLYGON, balanced, over_there, pay
from tests.store.test_labels import said

USD, COIN = given.erc20("USD"), given.erc20("COIN")
USD_THERE = token_id(POLYGON, given.address("USD.e"))
#: A block of these tests is a second.
_MINUTE = 60


class Planted:
    """A world while it is made; ``exits`` is what a trace of the theft has to find."""

    def __init__(self, seed: int) -> None:
        self.chance, self.block, self.names = random.Random(seed), 10, 0
        self.records: list[Record] = []
        self.exits: Counter[tuple[AccountId, TokenId]] = Counter()
        self.crossings = 0

    def moved(self, sender: str, recipient: str, raw: int, *, token: TokenId = USD) -> Transfer:
        """A payment in a block of its own."""
        self.block += self.chance.randint(1, 5)
        one = pay(sender, recipient, raw, block=self.block, token=token)
        self.records.append(one)
        return one

    def fresh(self) -> str:
        """A wallet that a stranger has paid and that has paid that on, so that nothing is left."""
        self.names += 1
        name, raw = f"route {self.names}", self.chance.randint(1, 90)
        self.moved("stranger", name, raw)
        self.moved(name, "shop", raw)
        return name

    def route(self, holder: str, raw: int, token: TokenId) -> None:
        """Lead ``raw`` from ``holder`` to an exit by some steps."""
        for _ in range(self.chance.randint(1, 4)):
            step = self.chance.choice(["hop", "hop", "swap", "split"])
            if step == "hop":
                to = self.fresh()
                self.moved(holder, to, raw, token=token)
                self.after(holder)
                holder = to
            elif step == "swap" and token == USD:
                raw, token = self.swapped(holder, raw), COIN
            elif step == "split" and raw > 1_000:
                part = raw // 3
                to = self.fresh()
                self.moved(holder, to, part, token=token)
                self.route(to, part, token)
                raw -= part
        if token == USD and self.chance.random() < 0.5:
            self.bridged(holder, raw)
        else:
            self.moved(holder, "venue", raw, token=token)
            self.exits[wallet("venue"), token] += raw
        self.after(holder)

    def swapped(self, trader: str, raw: int) -> int:
        """A swap of a pool that others trade at, too; how much came of it."""
        self.moved("stranger", "pool", 77)
        self.block += 1
        got, tx = raw * self.chance.randint(2, 9), f"swap {self.block}"
        legs = [
            pay("pool", trader, got, block=self.block, log=1, token=COIN, tx=tx),
            pay(trader, "pool", raw, block=self.block, log=2, tx=tx),
        ]
        event = Swap(
            id=f"{transaction_id_of(tx)}:log:3",
            chain=ChainId(ETHEREUM.id),
            transaction=transaction_id_of(tx),
            protocol="uniswap_v3",
            pool=wallet("pool"),
            sender=wallet(trader),
            recipient=wallet(trader),
            amount0_raw=raw,
            amount1_raw=-got,
            block_number=self.block,
            block_time=NOON + self.block * 1_000,
        )
        self.records += [*legs, event]
        self.moved("pool", "stranger", 55)
        self.crossings += 1
        return got

    def bridged(self, holder: str, raw: int) -> None:
        """To the same address on the other chain, and out there."""
        self.there("stranger", holder, raw, after=-5)  # too early
        self.there(holder, "shop", raw, after=-4)
        self.moved(holder, "gate", raw)
        kept = raw - raw // 200
        self.there("payer", "somebody", raw, after=1)
        self.there("stranger", holder, raw + 1, after=300)  # too much
        self.there("payer", holder, kept, after=_MINUTE)
        self.there(holder, "venue", kept, after=2 * _MINUTE)
        self.exits[wallet("venue", chain="polygon"), USD_THERE] += kept
        self.crossings += 1

    def there(self, sender: str, recipient: str, raw: int, *, after: int) -> None:
        """A payment on the other chain, some seconds later."""
        self.names += 1
        tx = f"there {self.names}"
        one = pay(sender, recipient, raw, block=self.block + after, tx=tx)
        self.records.append(over_there(one, "USD.e"))

    def after(self, name: str) -> None:
        """What a wallet of a route does later is not traced."""
        raw = self.chance.randint(1, 90)
        self.moved("stranger", name, raw)
        self.moved(name, "friend", raw)


@pytest.mark.parametrize("seed", range(3))
async def test_traces_through_swaps_and_bridges_find_the_planted_exits(
    ledger: Ledger, seed: int
) -> None:
    world = Planted(seed)
    thefts = []
    for number in range(6):
        raw = world.chance.randint(2_000, 90_000)
        first = world.fresh()
        thefts.append(world.moved(f"victim {number}", first, raw))
        world.route(first, raw, USD)
    dollars = given.token("USD", decimals=6)
    abroad = msgspec.structs.replace(
        dollars, id=USD_THERE, chain=ChainId(POLYGON.id), address=given.address("USD.e")
    )
    await ledger.write(
        dollars,
        abroad,
        *world.records,
        said("venue", "An exchange", category=Category.EXCHANGE, everywhere=True),
        said("gate", "A bridge", category=Category.BRIDGE),
    )
    await prices.register(
        ledger.graph, [Asset(id="usd-coin", symbol="USDC", tokens=(dollars.id, abroad.id))]
    )

    for policy in (Policy.FIFO, Policy.LIFO, Policy.HAIRCUT, Policy.TIHO):
        asked = TraceQuestion(transfers=tuple(one.id for one in thefts), policy=policy)
        found = await trace(ledger.graph, asked, now=NOW)

        exits: Counter[tuple[AccountId, TokenId]] = Counter()
        for end in found.ends:
            piece = found.pieces[end.piece]
            if end.fate is Fate.SERVICE and piece.wallet is not None:
                exits[piece.wallet, piece.token] += int(end.amount_raw)
        assert found.ended is Ended.COMPLETE
        assert exits == world.exits
        assert len(found.crossings) == world.crossings > 0
        assert balanced(found)
