"""What happens on Bitcoin: payments with change, deposits that are swept, batches, a coinjoin, a
peel chain, and the outputs that have no address."""

from collections.abc import Callable
from functools import partial
from typing import Final

from deskgraph.sample import cast
from deskgraph.sample.agenda import DAY, HOUR
from deskgraph.sample.coin_chain import BITCOIN, Payment, Purse, note, shared
from deskgraph.sample.world import World

_PAYMENTS: Final = 42  # per unit of scale
_DEPOSITS: Final = 40
_WITHDRAWALS: Final = 60
_JOINS: Final = 2
_HOPS: Final = 25
_KINDS: Final = ("witness_v0_keyhash", "pubkeyhash", "witness_v1_taproot", "scripthash")


class CoinLife:
    """Everybody's life on Bitcoin."""

    def __init__(self, world: World) -> None:
        self._world, self._chain = world, world.bitcoin
        self._chance = world.chance("bitcoin")
        self._users = world.crowd.names[: 30 * world.scale]
        self._requests: dict[str, list[tuple[Purse, int]]] = {name: [] for name in cast.EXCHANGES}

    def open(self) -> None:
        """Provide purses with coins from before, and plan the rest."""
        self._provide()
        self._plan(_PAYMENTS * self._world.scale, self._pay)
        self._plan(_DEPOSITS * self._world.scale, self._deposit)
        self._plan(_WITHDRAWALS * self._world.scale, self._request)
        self._plan(_JOINS * self._world.scale, self._join)
        self._plan(max(2, self._world.scale // 5), self._annotate)
        self._plan(max(2, self._world.scale // 5), self._share)
        agenda = self._world.agenda
        for number in range(max(1, self._world.scale // 10)):
            agenda.at(agenda.any_moment(self._chance, from_day=10), partial(self._peel, number))
        for day in range(1, agenda.days):
            for name in cast.EXCHANGES:
                for hour in (5, 11, 17, 23):
                    agenda.at(agenda.opens_at + day * DAY + hour * HOUR, partial(self._batch, name))
                agenda.at(agenda.opens_at + day * DAY + 3 * HOUR, partial(self._sweep, name))

    def _plan(self, count: int, act: Callable[[], object]) -> None:
        for _ in range(count):
            self._world.agenda.at(self._world.agenda.any_moment(self._chance), act)

    def _provide(self) -> None:
        for place, name in enumerate(self._users):
            purse = self._world.purse(name, _KINDS[place % len(_KINDS)])
            for _ in range(self._chance.randrange(2, 6)):
                self._chain.endow(purse, self._amount(0.05))
        for name in cast.EXCHANGES:
            for _ in range(40):
                self._chain.endow(self._world.purse(name), self._amount(25))
        for name in (*cast.FUNDS, *(desk.name for desk in cast.DESKS)):
            for _ in range(20 * self._world.scale):
                self._chain.endow(self._world.purse(name), self._amount(12))

    def _amount(self, median: float) -> int:
        return max(2_000, round(self._chance.lognormvariate(0, 0.9) * median * BITCOIN))

    def _user(self) -> Purse:
        return self._world.purse(self._chance.choice(self._users))

    def _pay(self) -> None:
        """Half of the payees give out the same address again."""
        payer, payee = self._user(), self._user()
        if payer is payee:
            return
        script = payee.home if self._chance.random() < 0.5 else payee.fresh()
        self._chain.pay(payer, [Payment(payee, self._amount(0.01), script)])

    def _deposit(self) -> None:
        """To an address of the exchange that is the user's own; swept once a day."""
        payer = self._user()
        name = self._chance.choice(cast.EXCHANGES)
        box = self._world.purse(f"{name} deposits")
        self._chain.pay(payer, [Payment(box, self._amount(0.02), box.fresh())])

    def _request(self) -> None:
        self._requests[self._chance.choice(cast.EXCHANGES)].append(
            (self._user(), self._amount(0.03))
        )

    def _batch(self, name: str) -> None:
        """An exchange pays many withdrawals at once."""
        waiting, self._requests[name] = self._requests[name], []
        if waiting:
            payments = [Payment(purse, amount, purse.home) for purse, amount in waiting]
            self._chain.pay(self._world.purse(name), payments)

    def _sweep(self, name: str) -> None:
        box = self._world.purse(f"{name} deposits")
        coins = list(box.coins.values())
        if len(coins) > 3:
            self._chain.sweep(box, coins, self._world.purse(name))

    def _join(self) -> None:
        """Equal outputs for all, and change: who got which cannot be told."""
        equal = BITCOIN // 100
        joining = [
            (purse, coin)
            for name in self._chance.sample(self._users, min(len(self._users), 12))
            for purse in [self._world.purse(name)]
            for coin in list(purse.coins.values())[:1]
            if coin.amount > equal + 20_000 and coin.usable_from <= self._chain.height
        ][:8]
        if len(joining) < 3:
            return
        mixed = [Payment(purse, equal, purse.fresh()) for purse, _ in joining]
        change = [
            Payment(purse, coin.amount - equal - 4_000, purse.fresh()) for purse, coin in joining
        ]
        self._chance.shuffle(mixed)
        self._world.truth.coinjoins.append(self._chain.transact(joining, [*mixed, *change]))

    def _peel(self, number: int) -> None:
        """A large coin from which a little is paid at every hop."""
        purse = self._world.purse(f"peeler {number}")
        self._chain.endow(purse, 180 * BITCOIN)
        self._world.truth.peel_chains.append([])
        self._hop(purse, self._world.truth.peel_chains[-1])

    def _hop(self, purse: Purse, chain: list[str]) -> None:
        box = self._world.purse(f"{self._chance.choice(cast.EXCHANGES)} deposits")
        paid = self._chain.pay(purse, [Payment(box, self._amount(1.2), box.fresh())])
        if paid is not None:
            chain.append(paid)
            if len(chain) < _HOPS:
                self._world.agenda.after(
                    self._chance.randrange(1_200, 9_000), partial(self._hop, purse, chain)
                )

    def _annotate(self) -> None:
        """A payment with a line of text beside it."""
        payer = self._user()
        self._chain.pay(payer, [note("sample economy"), Payment(payer, 10_000, payer.home)])

    def _share(self) -> None:
        """Coins that two people hold together, in an output without an address."""
        first, second = self._user(), self._user()
        if first is not second:
            payment = shared(first, second, self._amount(0.005), seed=self._world.seed)
            self._chain.pay(first, [payment])
