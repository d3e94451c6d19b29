"""Exchanges: deposit addresses that are swept, hot wallets that pay out, cold ones behind them."""

from random import Random
from typing import Final

from deskgraph.sample import cast
from deskgraph.sample.account_chain import ETHER, Token
from deskgraph.sample.agenda import DAY, HOUR
from deskgraph.sample.founding import Market
from deskgraph.sample.world import World

_SWEEP_GAS: Final = 60_000
_HOT_SHARE: Final = 8  # of the cold wallet's holdings, one part in so many stays hot


class Exchange:
    """One exchange on Ethereum."""

    def __init__(self, world: World, market: Market, name: str) -> None:
        self.name = name
        self.hot = [world.wallet(f"{name} hot {number}") for number in (1, 2)]
        self.cold = world.wallet(f"{name} cold")
        self._world, self._market = world, market
        self._chance = world.chance(name)
        self._tokens: tuple[Token | None, ...] = (None, *market.stable, market.wbtc, market.weth)

    def open(self) -> None:
        """Fill the hot wallets, and look after them every day."""
        for wallet in self.hot:
            for token in self._tokens:
                share = self._world.ethereum.held(token, self.cold) // _HOT_SHARE
                self._world.ethereum.pay(token, self.cold, wallet, share)
        for day in range(1, self._world.agenda.days):
            moment = self._world.agenda.opens_at + day * DAY + self._chance.randrange(6 * HOUR)
            self._world.agenda.at(moment, self._balance)

    def deposit(self, user: str, token: Token | None, amount: int) -> str | None:
        """``user`` (a wallet) pays into its deposit address; within the hour it is swept."""
        address = self._deposit_address(user)
        paid = self._world.ethereum.pay(token, user, address, amount)
        if paid is not None:
            self._world.truth.deposit_addresses[address] = cast.slug(self.name)
            delay = self._chance.randrange(5 * 60, HOUR)
            self._world.agenda.after(delay, lambda: self._sweep(address, token))
        return paid

    def withdraw(self, user: str, token: Token | None, amount: int) -> str | None:
        """A hot wallet pays ``user``."""
        return self._world.ethereum.pay(token, self._one_hot(self._chance), user, amount)

    def trade_with(self, other: str, token: Token, amount: int) -> str | None:
        """A payment to a business that is settled from the hot wallet."""
        return self._world.ethereum.pay(token, self.hot[0], other, amount)

    def _deposit_address(self, user: str) -> str:
        return self._world.wallet(f"{self.name} deposit of {user}")

    def _one_hot(self, chance: Random) -> str:
        return self.hot[chance.random() < 0.3]

    def _sweep(self, address: str, token: Token | None) -> None:
        chain = self._world.ethereum
        target = self._one_hot(self._chance)
        if token is not None and chain.ether[address] < chain.gas(_SWEEP_GAS):
            # A deposit address has no ether of its own: the gas comes first.
            chain.pay(None, target, address, 2 * chain.gas(_SWEEP_GAS))
            self._world.agenda.after(60, lambda: self._collect(address, token, target))
            return
        self._collect(address, token, target)

    def _collect(self, address: str, token: Token | None, target: str) -> None:
        chain = self._world.ethereum
        chain.pay(token, address, target, chain.held(token, address))

    def _balance(self) -> None:
        """Move what is too much to the cold wallet, and back what is too little."""
        chain = self._world.ethereum
        for token in self._tokens:
            reserve = chain.held(token, self.cold)
            for wallet in self.hot:
                held = chain.held(token, wallet)
                if held > reserve // 3:
                    chain.pay(token, wallet, self.cold, held // 2)
                elif held < reserve // 40:
                    chain.pay(token, self.cold, wallet, reserve // 20)


def usual_exchange(exchanges: list[Exchange], user: str) -> Exchange:
    """The exchange where ``user`` has an account."""
    return exchanges[int(user[2:10], 16) % len(exchanges)]


def ether_of(chance: Random, *, median: float, spread: float = 0.8) -> int:
    """An amount of ether, mostly near ``median``, sometimes far above."""
    return round(chance.lognormvariate(0, spread) * median * 10**6) * (ETHER // 10**6)
