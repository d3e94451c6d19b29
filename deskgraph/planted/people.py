"""People with several wallets each, who use exchanges, pay each other and trust themselves."""

from random import Random

from deskgraph.planted.book import Book, some
from deskgraph.planted.exchange import Exchange
from deskgraph.planted.world import BEGINS, DAY, HOUR
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.records import WalletKind


class Person:
    """Somebody: wallets, and accounts at exchanges."""

    def __init__(self, book: Book, name: str, chance: Random, exchanges: list[Exchange]) -> None:
        self.name = name
        self.wallets = [
            book.own(name, f"wallet {number}")
            for number in range(chance.choice((1, 2, 2, 3, 4, 5)))
        ]
        self.accounts = {
            exchange: exchange.address_of(name)
            for exchange in chance.sample(exchanges, chance.choice((1, 1, 2)))
        }

    def any_wallet(self, chance: Random) -> AccountId:
        """One of theirs."""
        return chance.choice(self.wallets)


def live(book: Book, people: list[Person], chance: Random, *, days: int, stables: TokenId) -> None:
    """Everyday life, which is mostly what the heuristics look for, and some that misleads them."""
    for person in people:
        _set_up(book, person, chance)
        for exchange, address in person.accounts.items():
            for _ in range(chance.randint(2, 7)):
                payer = person.any_wallet(chance)
                exchange.deposit(payer, address, at=_moment(chance, days))
            exchange.withdraw(person.any_wallet(chance), at=_moment(chance, days))
    for _ in range(2 * len(people)):
        one, other = chance.sample(people, 2)
        at = _moment(chance, days)
        book.pay(one.any_wallet(chance), other.any_wallet(chance), some(chance, 0.01, 2), at=at)
    # Somebody pays a friend, right into the friend's account at an exchange.
    for _ in range(len(people) // 100):
        one, other = chance.sample(people, 2)
        exchange, address = chance.choice(list(other.accounts.items()))
        exchange.deposit(one.any_wallet(chance), address, at=_moment(chance, days))
    # Somebody passes on what a friend paid, and to the exchange's own wallet.
    for _ in range(len(people) // 100):
        one, other = chance.sample(people, 2)
        at, amount = _moment(chance, days), some(chance, 50, 900)
        exchange = chance.choice(list(other.accounts))
        middle = other.any_wallet(chance)
        book.pay(one.any_wallet(chance), middle, amount, at=at, token=stables)
        book.pay(middle, exchange.hot[0], amount, at=at + HOUR, token=stables)
    _trust(book, people, chance, days=days, token=stables)


def _set_up(book: Book, person: Person, chance: Random) -> None:
    """The first wallet gets its coins from an exchange, the others theirs from the first."""
    exchange = next(iter(person.accounts))
    at = BEGINS + chance.randrange(DAY)
    exchange.withdraw(person.wallets[0], at=at)
    for number, other in enumerate(person.wallets[1:], 1):
        book.pay(person.wallets[0], other, some(chance, 0.01, 0.1), at=at + number * HOUR)


def _trust(book: Book, people: list[Person], chance: Random, *, days: int, token: TokenId) -> None:
    """People let their own wallets spend; many let a router, and some a thief."""
    router = book.own("Millstone Swap", "router", WalletKind.CONTRACT)
    phisher = book.own("phisher", "wallet")
    for person in people:
        at = _moment(chance, days)
        if len(person.wallets) > 1 and chance.random() < 0.3:
            owner, spender = chance.sample(person.wallets, 2)
            book.approve(owner, spender, 2**256 - 1, at=at, token=token)
        if chance.random() < 0.6:
            book.approve(person.any_wallet(chance), router, 2**256 - 1, at=at, token=token)
        if chance.random() < 0.05:
            book.approve(person.any_wallet(chance), phisher, 2**256 - 1, at=at, token=token)


def _moment(chance: Random, days: int) -> int:
    # The first days are for setting up, the last for sweeps.
    return BEGINS + 2 * DAY + chance.randrange((days - 6) * DAY)
