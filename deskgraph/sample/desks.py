"""OTC desks and market makers: large trades in two legs, hours apart, near the reference price."""

from functools import partial
from random import Random
from typing import Final

from deskgraph.sample import cast
from deskgraph.sample.account_chain import Token
from deskgraph.sample.agenda import HOUR
from deskgraph.sample.coin_chain import Payment
from deskgraph.sample.exchanges import Exchange
from deskgraph.sample.founding import Market
from deskgraph.sample.world import World

_SETTLEMENTS: Final = 26  # per desk and unit of scale
_QUOTES: Final = 55  # per market maker and unit of scale
_MEDIAN_TRADE_CENTS: Final = 32_000_000
_MAX_TRADE_CENTS: Final = 400_000_000


class Desk:
    """One desk: a client's leg comes in, the desk's leg goes out within hours."""

    def __init__(
        self, world: World, market: Market, role: cast.DeskRole, exchanges: list[Exchange]
    ) -> None:
        self.role, self.wallet = role, world.wallet(role.name)
        self._world, self._market, self._exchanges = world, market, exchanges
        self._chance = world.chance(role.name)
        self._clients = [
            *(world.wallet(name) for name in cast.FUNDS),
            *(world.wallet(f"whale {number}") for number in range(cast.WHALES)),
        ]

    def open(self) -> None:
        """Plan the settlements of the whole time."""
        for number in range(_SETTLEMENTS * self._world.scale):
            moment = self._world.agenda.office_moment(
                self._chance, offset_hours=self.role.offset_hours
            )
            trade = self._settle_bitcoin if number % 9 == 8 else self._settle
            self._world.agenda.at(moment, trade)

    def _settle(self) -> None:
        chance, market = self._chance, self._market
        client = chance.choice(self._clients)
        asset: Token | None = chance.choice((market.wbtc, market.wbtc, market.weth, None))
        stable = chance.choice(market.stable)
        cents = _trade_cents(chance)
        coin, decimals = ("BTC", 8) if asset is market.wbtc else ("ETH", 18)
        amount = self._world.worth(cents, coin, decimals)
        sells = chance.random() < 0.5
        # The client pays the spread: it gets less for what it sells, pays more for what it buys.
        spread = max(1, round(chance.gauss(self.role.spread_bps, 4)))
        # Cents times basis points are the six decimals of both stable coins.
        dollars = cents * (10_000 - spread if sells else 10_000 + spread)
        asset_leg, dollar_leg = (asset, amount), (stable, dollars)
        comes, goes = (asset_leg, dollar_leg) if sells else (dollar_leg, asset_leg)
        first = self._world.ethereum.pay(comes[0], client, self.wallet, comes[1])
        if first is None:
            self._restock(client, *comes)
            return
        if self._world.ethereum.held(goes[0], self.wallet) < goes[1]:
            self._restock(self.wallet, goes[0], 3 * goes[1])
        paid = self._agree(client, asset.symbol if asset else "ETH", sells=sells, spread=spread)
        paid["in"].append(first)
        clips = 2 if chance.random() < 0.15 else 1
        delay = chance.randrange(10 * 60, 5 * HOUR)
        for clip in range(clips):
            part = goes[1] // clips + (goes[1] % clips if clip == 0 else 0)
            later = delay + clip * chance.randrange(60, 1_200)
            self._world.agenda.after(
                later, partial(self._pay_out, paid["out"], goes[0], client, part)
            )

    def _agree(self, client: str, asset: str, *, sells: bool, spread: int) -> dict[str, list[str]]:
        """Note a settlement; the hashes of both its legs, to be filled in."""
        legs: dict[str, list[str]] = {"in": [], "out": []}
        self._world.truth.settlements.append(
            {
                "desk": cast.slug(self.role.name),
                "desk_wallet": self.wallet,
                "client": client,
                "asset": asset,
                "client_sells": sells,
                "spread_bps": spread,
                "opened_at": self._world.agenda.now,
                "legs": legs,
            }
        )
        return legs

    def _pay_out(self, legs: list[str], token: Token | None, client: str, amount: int) -> None:
        paid = self._world.ethereum.pay(token, self.wallet, client, amount)
        if paid is not None:
            legs.append(paid)

    def _settle_bitcoin(self) -> None:
        """One leg in Bitcoin, the other in dollars on Ethereum."""
        chance = self._chance
        name = chance.choice(cast.FUNDS)
        cents = _trade_cents(chance) // 2
        desk, client = self._world.purse(self.role.name), self._world.purse(name)
        amount = self._world.worth(cents, "BTC", 8)
        first = self._world.bitcoin.pay(client, [Payment(desk, amount, desk.home)])
        if first is None:
            return
        dollars = cents * (10_000 - self.role.spread_bps)
        wallet = self._world.wallet(name)
        paid = self._agree(wallet, "BTC", sells=True, spread=self.role.spread_bps)
        paid["in"].append(first)
        self._world.agenda.after(
            chance.randrange(40 * 60, 4 * HOUR),
            partial(self._pay_out, paid["out"], self._market.usdc, wallet, dollars),
        )

    def _restock(self, wallet: str, token: Token | None, amount: int) -> None:
        """Buy what is missing at an exchange, which is paid with what there is enough of."""
        self._chance.choice(self._exchanges).withdraw(wallet, token, amount)


class MarketMaker:
    """Moves inventory between exchanges all day, and trades against the pools."""

    def __init__(self, world: World, market: Market, name: str, exchanges: list[Exchange]) -> None:
        self.wallet = world.wallet(name)
        self._world, self._market, self._exchanges = world, market, exchanges
        self._chance = world.chance(name)

    def open(self) -> None:
        """Plan the moves of the whole time, day and night alike."""
        agenda = self._world.agenda
        for _ in range(_QUOTES * self._world.scale):
            moment = self._chance.randrange(agenda.opens_at + 86_400, agenda.closes_at)
            agenda.at(moment, self._act)

    def _act(self) -> None:
        chance = self._chance
        cents = _trade_cents(chance) // 8
        if chance.random() < 0.25:
            pool = chance.choice(self._market.pools)
            paid = chance.choice(pool.tokens)
            pool.swap(self.wallet, paid, self._amount(paid, cents // 4))
            return
        token = chance.choice((*self._market.stable, self._market.wbtc, self._market.weth))
        exchange = chance.choice(self._exchanges)
        amount = self._amount(token, cents)
        if chance.random() < 0.5:
            self._world.ethereum.pay(token, self.wallet, exchange.hot[0], amount)
        else:
            exchange.trade_with(self.wallet, token, amount)

    def _amount(self, token: Token, cents: int) -> int:
        coin = {"WETH": "ETH", "WBTC": "BTC"}.get(token.symbol, "USD")
        return self._world.worth(cents, coin, token.decimals)


def _trade_cents(chance: Random) -> int:
    """What a trade is worth: lognormal, in whole thousand dollars, as people agree on them."""
    cents = round(chance.lognormvariate(0, 0.9) * _MEDIAN_TRADE_CENTS)
    return max(100_000, min(cents, _MAX_TRADE_CENTS) // 100_000 * 100_000)
