"""The first day on Ethereum: tokens are deployed and minted, pools filled, wallets provided."""

from dataclasses import dataclass
from typing import Final

from deskgraph.sample import cast
from deskgraph.sample.account_chain import ETHER, Token
from deskgraph.sample.contracts import BatchSender, ConcentratedPool, Mixer, Pool
from deskgraph.sample.world import World

#: Whole tokens by role: dollars (of each stable coin), wrapped bitcoin, wrapped ether; and ether.
_PROVISIONS: Final = {
    "exchange": (40_000_000, 300, 2_000, 6_000),
    "desk": (25_000_000, 200, 1_500, 3_000),
    "market maker": (30_000_000, 150, 6_000, 4_000),
    "fund": (15_000_000, 120, 1_000, 3_000),
    "whale": (3_000_000, 40, 300, 1_500),
}


@dataclass(frozen=True)
class Market:
    """The contracts that the stories use."""

    usdc: Token
    usdt: Token
    wbtc: Token
    weth: Token
    #: Whole pieces, thirty digits, and a supply that no 64 bits hold.
    seat: Token
    angstrom: Token
    meme: Token
    pools: tuple[Pool, ...]
    mixer: Mixer
    batch: BatchSender
    claims: str
    bridge: str

    @property
    def stable(self) -> tuple[Token, Token]:
        return self.usdc, self.usdt


def found(world: World) -> Market:
    """Deploy everything and hand out the first tokens."""
    chain, deployer = world.ethereum, world.wallet("deployer")
    chain.endow(deployer, 100 * ETHER)
    chain.endow(world.wallet("issuer"), 100 * ETHER)
    usdc = chain.token(deployer, "USDC", name="USD Coin (sample)", decimals=6)
    usdt = chain.token(deployer, "USDT", name="Tether USD (sample)", decimals=6)
    wbtc = chain.token(deployer, "WBTC", name="Wrapped BTC (sample)", decimals=8)
    weth = chain.token(deployer, "WETH", name="Wrapped Ether (sample)", decimals=18)
    routers = [chain.contract(deployer) for _ in range(2)]
    market = Market(
        usdc=usdc,
        usdt=usdt,
        wbtc=wbtc,
        weth=weth,
        seat=chain.token(deployer, "SEAT🎟", name="Opera seats, row Ω (sample)", decimals=0),
        angstrom=chain.token(deployer, "Ångstrøm", name="長さの単位 (sample)", decimals=30),
        meme=chain.token(deployer, "ДОГ", name='"Very", much, dog (sample)', decimals=18),
        pools=(
            Pool(chain, deployer, router=routers[0], tokens=(weth, usdc)),
            Pool(chain, deployer, router=routers[0], tokens=(wbtc, usdt)),
            ConcentratedPool(chain, deployer, router=routers[1], tokens=(weth, usdt)),
        ),
        mixer=Mixer(chain, deployer, usdc),
        batch=BatchSender(chain, deployer),
        claims=chain.contract(deployer),
        bridge=chain.contract(deployer),
    )
    _provide(world, market)
    return market


def holders(world: World) -> dict[str, list[str]]:
    """The wallets that are provided for, by role."""
    return {
        "exchange": [world.wallet(f"{name} cold") for name in cast.EXCHANGES],
        "desk": [world.wallet(desk.name) for desk in cast.DESKS],
        "market maker": [world.wallet(name) for name in cast.MARKET_MAKERS],
        "fund": [world.wallet(name) for name in cast.FUNDS],
        "whale": [world.wallet(f"whale {number}") for number in range(cast.WHALES)],
    }


def _provide(world: World, market: Market) -> None:
    chain, issuer = world.ethereum, world.wallet("issuer")
    for role, wallets in holders(world).items():
        dollars, bitcoin, wrapped, ether = _PROVISIONS[role]
        for wallet in wallets:
            chain.endow(wallet, ether * ETHER)
            for token, units in (
                (market.usdc, dollars),
                (market.usdt, dollars),
                (market.wbtc, bitcoin),
                (market.weth, wrapped),
            ):
                chain.mint(token, issuer, wallet, token.whole(units))
    for pool in market.pools:
        for token in pool.tokens:
            _fill(world, token, pool.address)
    holder = world.wallet("whale 0")
    chain.mint(market.seat, issuer, holder, 2_000)
    chain.mint(market.angstrom, issuer, holder, market.angstrom.whole(5_000_000))
    chain.mint(market.meme, issuer, holder, market.meme.whole(10**15))


def _fill(world: World, token: Token, pool: str) -> None:
    """Eight million dollars' worth on each side."""
    coin = {"WETH": "ETH", "WBTC": "BTC"}.get(token.symbol, "USD")
    amount = world.worth(800_000_000, coin, token.decimals)
    world.ethereum.mint(token, world.wallet("issuer"), pool, amount)
