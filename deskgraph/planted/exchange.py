"""Exchanges and their customers: deposit addresses, sweeps, withdrawals and internal moves."""

from random import Random

from deskgraph.planted.book import Book, some
from deskgraph.planted.world import BEGINS, DAY, HOUR, MINUTE
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.records import Transfer

_GAS: tuple[float, float] = (0.0005, 0.006)


class Exchange:
    """One exchange: labelled wallets, a few that nobody knows, an address for each customer."""

    def __init__(self, book: Book, name: str, chance: Random, stables: TokenId) -> None:
        self.name, self._book, self._chance, self._stables = name, book, chance, stables
        self.hot = [book.own(name, f"hot wallet {number}") for number in (1, 2)]
        self.cold = book.own(name, "cold wallet")
        self._hidden = [book.own(name, f"internal wallet {number}") for number in (1, 2, 3)]

    def address_of(self, customer: str) -> AccountId:
        """The customer's deposit address, which the exchange holds the key of."""
        address = self._book.own(self.name, f"deposit address for {customer}")
        self._book.truth.deposits[address] = customer
        self._book.truth.payers.setdefault(address, set())
        return address

    def deposit(
        self, payer: AccountId, address: AccountId, *, at: int, amount_raw: int | None = None
    ) -> Transfer:
        """``payer`` pays in, and the exchange sweeps it; some sweeps take two deposits at once."""
        chance, book = self._chance, self._book
        if book.truth.owners[payer] == book.truth.deposits.get(address):
            book.truth.payers[address].add(payer)
        if chance.random() < 0.5:
            amount = amount_raw or some(chance, 50, 5_000)
            paid = book.pay(payer, address, amount, at=at, token=self._stables)
            swept = at + self._delay()
            # It costs gas to move a token, which the exchange pays in beforehand.
            book.pay(self.hot[0], address, some(chance, 0.002, 0.004), at=swept - MINUTE)
            book.pay(address, self._gatherer(), amount, at=swept, token=self._stables)
            return paid
        amount = amount_raw or some(chance, 0.05, 40)
        paid = book.pay(payer, address, amount, at=at)
        if chance.random() < 0.15:
            more = some(chance, 0.05, 4)
            book.pay(payer, address, more, at=at + 2 * MINUTE)
            amount += more
        fee = some(chance, *_GAS)
        book.pay(address, self._gatherer(), amount - fee, at=at + self._delay())
        return paid

    def withdraw(self, customer: AccountId, *, at: int) -> None:
        """A customer takes money out."""
        self._book.pay(self.hot[1], customer, some(self._chance, 0.05, 10), at=at)

    def housekeep(self, days: int) -> None:
        """Its own moves: the same amount from wallet to wallet, through some that nobody knows."""
        chance, book = self._chance, self._book
        for day in range(0, days, 2):
            at, amount = BEGINS + day * DAY + chance.randrange(DAY), some(chance, 20, 300)
            first, second = chance.sample(self._hidden, 2)
            book.pay(self.cold, first, amount, at=at)
            book.pay(first, second, amount, at=at + 20 * MINUTE)
            book.pay(second, self.hot[day // 2 % 2], amount, at=at + HOUR)
            book.pay(self.hot[0], self.cold, amount // 2, at=at + 3 * HOUR)

    def _gatherer(self) -> AccountId:
        return self.hot[0] if self._chance.random() < 0.8 else self.hot[1]

    def _delay(self) -> int:
        """Most sweeps come within hours; a few wait until it is worth it."""
        if self._chance.random() < 0.02:
            return 3 * DAY
        return 10 * MINUTE + self._chance.randrange(20 * HOUR)
