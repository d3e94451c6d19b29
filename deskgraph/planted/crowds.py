"""Crowds that look like one person: payrolls, mints, shared forwarders, airdrops and buyers."""

from random import Random

from deskgraph.planted.book import Book, some
from deskgraph.planted.exchange import Exchange
from deskgraph.planted.people import Person
from deskgraph.planted.world import BEGINS, DAY, HOUR, MINUTE, erc20
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.records import WalletKind


def payrolls(
    book: Book, people: list[Person], chance: Random, *, days: int, token: TokenId
) -> None:
    """Employers pay every month; some have their wage paid straight into an exchange."""
    for number in range(4):
        employer = book.own(f"employer {number}", "wallet")
        staff = _some_of(people, 25, chance)
        for month in range(days // 30):
            at = BEGINS + (month * 30 + 4) * DAY + number * HOUR
            for place, person in enumerate(staff):
                wage, when = some(chance, 2_000, 6_000), at + place * MINUTE
                exchange, address = next(iter(person.accounts.items()))
                if place % 5 == 0:
                    exchange.deposit(employer, address, at=when)
                    continue
                own = person.wallets[0]
                book.pay(employer, own, wage, at=when, token=token)
                if place % 2:
                    # Passed on whole, and in time: as an exchange does with a deposit.
                    exchange.deposit(own, address, at=when + 2 * HOUR, amount_raw=wage)


def mints(book: Book, people: list[Person], chance: Random, exchanges: list[Exchange]) -> None:
    """Artists sell tokens at one price; one lets buyers pay into an exchange."""
    for number, minters in enumerate((120, 90, 60)):
        artist, exchange = f"artist {number}", chance.choice(exchanges)
        paid_to = exchange.address_of(artist)
        if number:
            paid_to = book.own(artist, "collection", WalletKind.CONTRACT)
        at, price = BEGINS + (10 + number) * DAY, 8 * 10**16
        for place, person in enumerate(_some_of(people, minters, chance)):
            buyer, when = person.any_wallet(chance), at + place * MINUTE
            if number == 0:
                exchange.deposit(buyer, paid_to, at=when, amount_raw=price)
            else:
                book.pay(buyer, paid_to, price, at=when)
        if number:
            book.pay(paid_to, exchange.hot[0], price * minters // 2, at=at + DAY)


def forwarders(
    book: Book, people: list[Person], chance: Random, exchanges: list[Exchange], *, token: TokenId
) -> None:
    """Payment processors forward what many pay to one account at an exchange, each sum at once."""
    for number, customers in enumerate((60, 35, 18)):
        kind = WalletKind.CONTRACT if number == 0 else WalletKind.EOA
        forwarder = book.own(f"processor {number}", "forwarder", kind)
        exchange = chance.choice(exchanges)
        for place, person in enumerate(_some_of(people, customers, chance)):
            at, amount = BEGINS + 5 * DAY + place * 5 * HOUR, some(chance, 5, 400)
            book.pay(person.any_wallet(chance), forwarder, amount, at=at, token=token)
            book.pay(forwarder, exchange.hot[1], amount, at=at + HOUR, token=token)


def airdrops(book: Book, people: list[Person], chance: Random, exchanges: list[Exchange]) -> None:
    """Tokens for everybody: farmers gather theirs, others sell them, most leave them lying."""
    for number in range(2):
        token = book.token(erc20(book.seed, f"gift {number}"), f"GIFT{number}")
        issuer = book.own(f"issuer {number}", "distributor")
        pool = book.own("Millstone Swap", f"pool {number}", WalletKind.CONTRACT)
        at, gift = BEGINS + (15 + number) * DAY, 400 * 10**18
        farms = {f"farmer {number}.{place}": chance.randint(4, 30) for place in range(12)}
        farmed = {
            farmer: [book.own(farmer, f"farm wallet {place}") for place in range(size)]
            for farmer, size in farms.items()
        }
        crowd = [book.own(f"lurker {number}.{place}", "wallet") for place in range(900)]
        guests = [person.wallets[0] for person in _some_of(people, 150, chance)]
        everyone = [*crowd, *guests, *(one for farm in farmed.values() for one in farm)]
        chance.shuffle(everyone)
        book.give(issuer, everyone, gift, at=at, token=token)
        later = at + 12 * HOUR
        for place, (farmer, farm) in enumerate(farmed.items()):
            exchange = chance.choice(exchanges)
            home = exchange.address_of(farmer) if place % 3 == 0 else book.own(farmer, "main")
            _gather(book, farm, home, exchange, gift, at=later, token=token)
        _sell(book, crowd, pool, gift, chance, at=later, token=token)


def _gather(
    book: Book,
    farm: list[AccountId],
    home: AccountId,
    exchange: Exchange,
    gift: int,
    *,
    at: int,
    token: TokenId,
) -> None:
    farmer = book.truth.owners[farm[0]]
    book.truth.farms[farmer] = set(farm)
    for place, one in enumerate(farm):
        book.pay(one, home, gift, at=at + place * 3 * MINUTE, token=token)
    if home in book.truth.deposits:
        book.truth.payers[home].update(farm)
        swept = at + len(farm) * 3 * MINUTE + HOUR
        book.pay(home, exchange.hot[0], gift * len(farm), at=swept, token=token)
    else:
        book.truth.farms[farmer].add(home)


def _sell(
    book: Book,
    crowd: list[AccountId],
    pool: AccountId,
    gift: int,
    chance: Random,
    *,
    at: int,
    token: TokenId,
) -> None:
    """Some sell to a pool, some to a buyer who pays them, from wallet to wallet."""
    for place, seller in enumerate(crowd[:200]):
        book.swap(
            seller, pool, gives=(token, gift), gets=(book.coin, 10**16), at=at + place * MINUTE
        )
    for number in range(3):
        buyer = book.own(f"buyer {number} of {token}", "wallet")
        for place, seller in enumerate(crowd[200 + 40 * number :][:40]):
            when = at + place * 5 * MINUTE
            book.pay(seller, buyer, gift, at=when, token=token)
            book.pay(buyer, seller, some(chance, 0.005, 0.02), at=when + 4 * MINUTE)


def _some_of(people: list[Person], count: int, chance: Random) -> list[Person]:
    return chance.sample(people, min(count, len(people)))
