"""What every story shares: the clock, the chains, the prices, the crowd and the truth."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from deskgraph.sample import cast
from deskgraph.sample.account_chain import AccountChain
from deskgraph.sample.agenda import DAY, Agenda
from deskgraph.sample.coin_chain import CoinChain, Purse
from deskgraph.sample.plain_chain import PlainChain
from deskgraph.sample.prices import Prices

DAYS: Final = 60
MINING_POOL: Final = "Rookhill Pool"
_BUSINESSES: Final = {MINING_POOL, *cast.EXCHANGES, *(desk.name for desk in cast.DESKS)}
_ETHEREUM_BLOCK: Final = 24_100_000
_POLYGON_BLOCK: Final = 80_200_000
_BITCOIN_BLOCK: Final = 930_000


@dataclass
class Truth:
    """What really happened, for whoever checks what an analysis has found."""

    settlements: list[dict[str, Any]] = field(default_factory=list)
    deposit_addresses: dict[str, str] = field(default_factory=dict)
    mixed: list[dict[str, Any]] = field(default_factory=list)
    dusters: list[str] = field(default_factory=list)
    bridged: list[dict[str, Any]] = field(default_factory=list)
    coinjoins: list[str] = field(default_factory=list)
    peel_chains: list[list[str]] = field(default_factory=list)
    bitcoin_owners: dict[str, str] = field(default_factory=dict)
    prices_usd_cents: dict[str, list[int]] = field(default_factory=dict)


class World:
    """The economy's stage; stories put acts on its agenda."""

    def __init__(self, folder: Path, *, seed: int, opens_at: int, scale: int) -> None:
        self.seed, self.scale = seed, scale
        self.agenda = Agenda(opens_at=opens_at, closes_at=opens_at + DAYS * DAY)
        self.prices = Prices(self.chance("prices"), self.agenda)
        self.truth = Truth(prices_usd_cents=self.prices.days)
        self.ethereum = AccountChain(
            folder / "ethereum", self.agenda, seed=seed, first_block=_ETHEREUM_BLOCK
        )
        self.polygon = PlainChain(
            folder / "polygon", self.agenda, seed=seed, first_block=_POLYGON_BLOCK
        )
        self.purses: dict[str, Purse] = {}
        self.bitcoin = CoinChain(
            folder / "bitcoin",
            self.agenda,
            seed=seed,
            first_block=_BITCOIN_BLOCK,
            pool=self.purse(MINING_POOL, "pubkey"),
        )
        self.crowd = cast.Crowd([f"user {number}" for number in range(60 * scale)])

    def chance(self, story: str) -> Random:
        """A story's own chance: what one story draws does not change another's."""
        return Random(f"{self.seed} {story}")  # noqa: S311 - repeatable on purpose

    def wallet(self, role: str) -> str:
        """The EVM address of a role."""
        return cast.address(self.seed, role)

    def purse(self, owner: str, kind: str = "witness_v0_keyhash") -> Purse:
        """The Bitcoin purse of ``owner``, made of ``kind`` when it is first asked for."""
        if owner not in self.purses:
            reuses = owner in _BUSINESSES
            self.purses[owner] = Purse(self.seed, owner, kind, reuses=reuses)
        return self.purses[owner]

    def worth(self, cents: int, coin: str, decimals: int) -> int:
        """Base units of ``coin`` (BTC, ETH, USD) that are worth ``cents`` now."""
        one: int = 10**decimals
        return cents * one // self.prices.cents(coin)

    def close(self) -> None:
        """Write what is open, and note who owned what."""
        for chain in (self.ethereum, self.polygon, self.bitcoin):
            chain.close()
        self.truth.bitcoin_owners = {
            address: purse.owner for purse in self.purses.values() for address in purse.addresses
        }
