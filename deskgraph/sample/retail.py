"""Ordinary users on Ethereum and Polygon: few do much, many do little."""

from functools import partial
from typing import Final

from deskgraph.sample.abi import call
from deskgraph.sample.account_chain import ETHER, Token
from deskgraph.sample.exchanges import Exchange, ether_of, usual_exchange
from deskgraph.sample.founding import Market
from deskgraph.sample.world import World
from graph_api.domain.addresses import ZERO_EVM

_ACTS: Final = 620  # per unit of scale
_POLYGON_ACTS: Final = 260


class Retail:
    """What the crowd does on account chains."""

    def __init__(self, world: World, market: Market, exchanges: list[Exchange]) -> None:
        self._world, self._market, self._exchanges = world, market, exchanges
        self._chance = world.chance("retail")
        self._acts = (
            (self._pay_ether, 21),
            (self._pay_dollars, 20),
            (self._deposit_ether, 7),
            (self._deposit_dollars, 10),
            (self._withdraw, 20),
            (self._swap, 10),
            (self._claim, 4),
            (self._fail, 4),
            (self._trade_seat, 2),
            (self._send_odd_token, 2),
        )

    def open(self) -> None:
        """Provide every user with some ether and plan what all of them do."""
        for name in self._world.crowd.names:
            ether = ether_of(self._chance, median=1.2) + ETHER // 5
            self._world.ethereum.endow(self._world.wallet(name), ether)
        acts, weights = zip(*self._acts, strict=True)
        for act in self._chance.choices(acts, weights, k=_ACTS * self._world.scale):
            user = self._world.wallet(self._world.crowd.one(self._chance))
            self._world.agenda.at(self._world.agenda.any_moment(self._chance), partial(act, user))
        for _ in range(_POLYGON_ACTS * self._world.scale):
            user = self._world.wallet(self._world.crowd.one(self._chance))
            self._world.agenda.at(
                self._world.agenda.any_moment(self._chance), partial(self._use_polygon, user)
            )

    def _other(self, user: str) -> str:
        """Somebody to pay; people pay the same few again and again."""
        number = int(user[-6:], 16) + self._chance.randrange(4) ** 3
        names = self._world.crowd.names
        other = self._world.wallet(names[number % len(names)])
        return other if other != user else self._world.wallet(names[(number + 1) % len(names)])

    def _exchange(self, user: str) -> Exchange:
        return usual_exchange(self._exchanges, user)

    def _dollars(self, median: int) -> int:
        return round(self._chance.lognormvariate(0, 1) * median * 100) * 10_000

    def _pay_ether(self, user: str) -> None:
        amount = min(
            ether_of(self._chance, median=0.08), self._world.ethereum.held(None, user) // 2
        )
        self._world.ethereum.pay(None, user, self._other(user), amount)

    def _pay_dollars(self, user: str) -> None:
        token = self._chance.choice(self._market.stable)
        amount = min(self._dollars(90), token.held[user] * 3 // 4)
        if amount < token.whole(1):
            self._withdraw(user)
            return
        self._world.ethereum.pay(token, user, self._other(user), amount)

    def _deposit_ether(self, user: str) -> None:
        amount = min(ether_of(self._chance, median=0.3), self._world.ethereum.held(None, user) // 2)
        if amount > ETHER // 100:
            self._exchange(user).deposit(user, None, amount)

    def _deposit_dollars(self, user: str) -> None:
        token = max(self._market.stable, key=lambda stable: stable.held[user])
        if token.held[user] < token.whole(20):
            self._withdraw(user)
            return
        self._exchange(user).deposit(user, token, token.held[user] * 9 // 10)

    def _withdraw(self, user: str) -> None:
        if self._world.ethereum.held(None, user) < ETHER // 10:
            self._exchange(user).withdraw(user, None, ether_of(self._chance, median=0.4))
            return
        token = self._chance.choice(self._market.stable)
        self._exchange(user).withdraw(user, token, self._dollars(600))

    def _swap(self, user: str) -> None:
        token = max(self._market.stable, key=lambda stable: stable.held[user])
        pools = [pool for pool in self._market.pools if token in pool.tokens]
        pool = self._chance.choice(pools)
        [bought] = [other for other in pool.tokens if other is not token]
        if bought.held[user] and self._chance.random() < 0.5:
            pool.swap(user, bought, bought.held[user] // 2)
        elif pool.swap(user, token, min(self._dollars(300), token.held[user] // 2)) is None:
            self._withdraw(user)

    def _claim(self, user: str) -> None:
        """A call that moves nothing."""
        season = self._world.agenda.now // 86_400
        self._world.ethereum.execute(
            user, self._market.claims, call("claim(uint256)", season), gas=45_000
        )

    def _fail(self, user: str) -> None:
        chain = self._world.ethereum
        if self._chance.random() < 0.5:
            pool = self._chance.choice(self._market.pools)
            pool.fail(user, pool.tokens[0], pool.tokens[0].whole(1))
        else:
            value = min(ether_of(self._chance, median=0.05), chain.held(None, user) // 3)
            chain.fail(user, self._market.claims, call("buy(uint256)", 1), value=value)

    def _trade_seat(self, user: str) -> None:
        """Seats are sold by whale 0 and handed on; each is one whole piece."""
        seat = self._market.seat
        if seat.held[user]:
            self._world.ethereum.pay(seat, user, self._other(user), 1)
        else:
            self._world.ethereum.pay(
                seat, self._world.wallet("whale 0"), user, self._chance.randrange(1, 5)
            )

    def _send_odd_token(self, user: str) -> None:
        token: Token = self._chance.choice((self._market.angstrom, self._market.meme))
        if token.held[user]:
            self._world.ethereum.pay(token, user, self._other(user), token.held[user] // 3)
        else:
            units = self._chance.randrange(1, 1_000)
            amount = token.whole(units) if token is self._market.meme else 7**units % 10**33
            self._world.ethereum.pay(token, self._world.wallet("whale 0"), user, amount)

    def _use_polygon(self, user: str) -> None:
        """Bridge dollars over when there are none, then pay with them."""
        polygon = self._world.polygon
        held = polygon.held[user]
        if held < 5_000_000:
            self._bridge_over(user)
        elif self._chance.random() < 0.04:
            polygon.move(user, ZERO_EVM, held // 2)
        else:
            polygon.move(user, self._other(user), min(self._dollars(25), held * 2 // 3))

    def _bridge_over(self, user: str) -> None:
        usdc, chain = self._market.usdc, self._world.ethereum
        amount = min(self._dollars(300), usdc.held[user] // 2)
        if amount < usdc.whole(10):
            # An exchange pays out on the other chain just as well.
            self._world.polygon.move(ZERO_EVM, user, self._dollars(200))
            return
        locked = chain.pay(usdc, user, self._market.bridge, amount)
        if locked is not None:
            self._world.agenda.after(
                self._chance.randrange(600, 1_800), partial(self._arrive, user, amount, locked)
            )

    def _arrive(self, user: str, amount: int, locked: str) -> None:
        minted = self._world.polygon.move(ZERO_EVM, user, amount)
        self._world.truth.bridged.append(
            {"wallet": user, "amount_raw": str(amount), "ethereum": locked, "polygon": minted}
        )
