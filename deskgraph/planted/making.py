"""How a world is made: everybody is put on stage and lives, by chance that a seed decides."""

from collections.abc import Iterator
from random import Random
from typing import Final

from deskgraph.planted import coins, crowds, people
from deskgraph.planted.book import Book
from deskgraph.planted.coins import CoinBook
from deskgraph.planted.exchange import Exchange
from deskgraph.planted.loot import BRIDGE, MIXER, SWAP, Underworld, mix
from deskgraph.planted.people import Person
from deskgraph.planted.world import ETHEREUM, POLYGON, Truth, World, erc20
from deskgraph.sample.cast import slug
from graph_api.domain.categories import Category
from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId, address_of, chain_id_of
from graph_api.domain.labels import claim, on_chain
from graph_api.domain.records import Actor, ActorType, Label

_EXCHANGES: Final = ("Harbourlight Exchange", "Quillspot Exchange", "Brassmoor Exchange")
_DAYS: Final = 60
_SOURCE: Final = "planted"


def planted_world(seed: int, *, size: int = 300) -> World:
    """A world of ``size`` people on two account chains, and as many on a UTXO chain."""
    chance, truth = Random(seed), Truth()  # noqa: S311 - no secret
    near, far = Book(ETHEREUM, seed, truth), Book(POLYGON, seed, truth)
    dollars = near.token(erc20(seed, "dollars"), "USDX")
    far_dollars = far.token(erc20(seed, "dollars", POLYGON), "USDX")
    exchanges = [Exchange(near, name, chance, dollars) for name in _EXCHANGES]
    crowd = [Person(near, f"person {number}", chance, exchanges) for number in range(size)]
    underworld = Underworld(near, far, dollars, far_dollars)
    people.live(near, crowd, chance, days=_DAYS, stables=dollars)
    for exchange in exchanges:
        exchange.housekeep(_DAYS)
    crowds.payrolls(near, crowd, chance, days=_DAYS, token=dollars)
    crowds.mints(near, crowd, chance, exchanges)
    crowds.forwarders(near, crowd, chance, exchanges, token=dollars)
    crowds.airdrops(near, crowd, chance, exchanges)
    mix(near, crowd, underworld.mixer, chance)
    for number in range(5):
        victim, exchange = chance.choice(crowd), chance.choice(exchanges)
        truth.loots.append(underworld.strike(number, victim, exchange, chance))
    # By chance of its own: the rest of the world stays as it was.
    underworld.traffic(crowd, Random(f"traffic {seed}"))  # noqa: S311 - no secret
    book = CoinBook(seed, truth)
    coins.live(book, chance, people=size // 3)
    known = _known(exchanges, underworld, far)
    records = [*near.records(), *far.records(), *book.transactions, *known]
    return World(seed=seed, records=records, truth=truth)


def _known(exchanges: list[Exchange], underworld: Underworld, far: Book) -> Iterator[Actor | Label]:
    """What the public knows: services, and no address that only customers see."""
    for exchange in exchanges:
        yield _actor(exchange.name, ActorType.EXCHANGE)
        for hot in exchange.hot:
            yield _label(hot, exchange.name, Category.HOT_WALLET)
        yield _label(exchange.cold, exchange.name, Category.COLD_WALLET)
        yield _label(far.own(exchange.name, "hot wallet 1"), exchange.name, Category.HOT_WALLET)
    for name, type, category, wallets in (
        (MIXER, ActorType.MIXER, Category.MIXER, [underworld.mixer]),
        (BRIDGE, ActorType.BRIDGE, Category.BRIDGE, underworld.bridges),
        (SWAP, ActorType.DEX, Category.DEX, [underworld.pool]),
    ):
        yield _actor(name, type)
        for account in wallets:
            yield _label(account, name, category)


def _actor(name: str, type: ActorType) -> Actor:
    return Actor(id=slug(name), name=name, type=type, source=_SOURCE, confidence=1.0)


def _label(account: AccountId, actor: str, category: Category) -> Label:
    subject = on_chain(chain_of(chain_id_of(account)), address_of(account))
    return claim(
        subject, actor, source=_SOURCE, confidence=0.9, category=category, actor=slug(actor)
    )
