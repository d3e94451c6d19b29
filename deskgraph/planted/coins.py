"""A UTXO chain: people who spend coins together, batches, peeling chains, and CoinJoins."""

from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

from deskgraph.planted.world import BEGINS, BITCOIN, Truth, wallet
from deskgraph.sample import cast
from graph_api.domain.ids import AccountId, ChainId, TransactionId, output_id
from graph_api.domain.records import Output, Spend, UtxoTransaction

COIN: Final = 10**8
_BLOCK_MS: Final = 600_000
_FIRST_BLOCK: Final = 900_000
_FEE: Final = 3_000


class Coin(NamedTuple):
    """An output that is not spent yet."""

    output: str
    owner: AccountId
    amount: int


class Purse:
    """Coins of one owner, each on an address of its own."""

    def __init__(self, owner: str, seed: int, truth: Truth) -> None:
        self.owner, self.coins = owner, list[Coin]()
        self._seed, self._truth, self._made = seed, truth, 0

    def fresh(self) -> AccountId:
        """An address that was never used."""
        self._made += 1
        address = wallet(self._seed, f"coin {self._made} of {self.owner}", BITCOIN)
        self._truth.owners[address] = self.owner
        return address

    def take(self, amount: int) -> list[Coin]:
        """The oldest coins that are worth it; all of them where they are not."""
        taken: list[Coin] = []
        while self.coins and sum(coin.amount for coin in taken) < amount:
            taken.append(self.coins.pop(0))
        return taken

    @property
    def amount(self) -> int:
        return sum(coin.amount for coin in self.coins)


Payment = tuple[Purse, int]


class CoinBook:
    """Transactions in order, a block each."""

    def __init__(self, seed: int, truth: Truth) -> None:
        self.seed, self.truth = seed, truth
        self.transactions: list[UtxoTransaction] = []

    def mint(self, purse: Purse, amounts: Sequence[int]) -> None:
        """New coins: one transaction of a miner."""
        self._make([], [(purse, amount) for amount in amounts], coinbase=True)

    def spend(self, purse: Purse, payments: Sequence[Payment]) -> None:
        """An ordinary payment, the rest back to a fresh address."""
        wanted = sum(amount for _, amount in payments) + _FEE
        coins = purse.take(wanted)
        rest = sum(coin.amount for coin in coins) - wanted
        if rest < 0:
            purse.coins += coins
            return
        change = [(purse, rest)] if rest > 1_000 else []
        self.truth.spends.append(frozenset(coin.owner for coin in coins))
        self._make(coins, [*payments, *change])

    def join(self, parts: Sequence[tuple[Purse, list[Coin], list[int]]], chance: Random) -> None:
        """One transaction of several: coins that each brings, and amounts that each gets."""
        coins = [coin for _, some, _ in parts for coin in some]
        payments = [(purse, amount) for purse, _, amounts in parts for amount in amounts]
        chance.shuffle(coins)
        chance.shuffle(payments)
        self.truth.joins.add(self._make(coins, payments))

    def _make(
        self, coins: Sequence[Coin], payments: Sequence[Payment], *, coinbase: bool = False
    ) -> TransactionId:
        number = len(self.transactions)
        txid = cast.digest(self.seed, f"bitcoin {number}").hex()
        id = TransactionId(f"{BITCOIN.id}:{txid}")
        outputs = []
        for place, (purse, amount) in enumerate(payments):
            owner = purse.fresh()
            outputs.append(Output(id=output_id(id, place), owner=owner, amount_raw=amount))
            purse.coins.append(Coin(outputs[-1].id, owner, amount))
        self.transactions.append(
            UtxoTransaction(
                id=id,
                chain=ChainId(BITCOIN.id),
                hash=txid,
                block_number=_FIRST_BLOCK + number,
                block_time=BEGINS + number * _BLOCK_MS,
                index=0,
                coinbase=coinbase,
                inputs=tuple(
                    Spend(output=coin.output, owner=coin.owner, amount_raw=coin.amount)
                    for coin in coins
                ),
                outputs=tuple(outputs),
            )
        )
        return id


def live(book: CoinBook, chance: Random, *, people: int) -> None:
    """Months of payments among ``people``, with everything that hides who pays."""
    purses = [Purse(f"holder {number}", book.seed, book.truth) for number in range(people)]
    shop = Purse("Brassmoor Exchange", book.seed, book.truth)
    for purse in purses:
        book.mint(purse, [chance.randrange(COIN // 50, COIN) for _ in range(12)])
    book.mint(shop, [20 * COIN] * 10)
    for _ in range(people * 4):
        one, other = chance.sample(purses, 2)
        book.spend(one, [(other, chance.randrange(COIN // 100, COIN // 2))])
    for _ in range(people // 4):
        # Withdrawals in a batch: some are equal, as in a CoinJoin, but one pays them all.
        some = _some_of(purses, 12, chance)
        equal = chance.randrange(1, 20) * COIN // 100
        book.spend(
            shop,
            [
                (one, equal if place < 4 else equal + place * 7_001)
                for place, one in enumerate(some)
            ],
        )
    for purse in _some_of(purses, people // 10, chance):
        # Putting everything together.
        book.spend(purse, [(purse, purse.amount - _FEE)])
    for purse in purses:
        book.mint(purse, [chance.randrange(COIN // 2, 3 * COIN) for _ in range(6)])
    for _ in range(people // 4):
        chance.choice((_wasabi_1, _wasabi_2, _whirlpool, _joinmarket))(book, purses, chance)
    for purse in _some_of(purses, people // 8, chance):
        _peel(book, purse, _some_of(purses, 15, chance))


def _wasabi_1(book: CoinBook, purses: list[Purse], chance: Random) -> None:
    """Equal outputs of about 0.1 BTC, and change."""
    size = COIN // 10 + chance.randrange(-400_000, 400_000)
    parts = []
    for purse in _some_of(purses, chance.randint(10, 40), chance):
        coins = purse.take(size + COIN // 20)
        rest = sum(coin.amount for coin in coins) - size - _FEE
        if rest < 1_000:
            purse.coins += coins
            continue
        parts.append((purse, coins, [size, rest]))
    _joined(book, parts, chance, least=10)


def _wasabi_2(book: CoinBook, purses: list[Purse], chance: Random) -> None:
    """Many sizes from a list, so that hardly any change is left."""
    sizes = [2**power for power in range(13, 28)] + [10**power for power in range(4, 8)]
    sizes.sort(reverse=True)
    parts = []
    for purse in _some_of(purses, chance.randint(25, 40), chance):
        coins = [purse.coins.pop(0) for _ in range(min(2, len(purse.coins)))]
        left, amounts = sum(coin.amount for coin in coins) - _FEE, list[int]()
        for size in sizes:
            while left >= size and len(amounts) < 8:
                amounts.append(size)
                left -= size
        if amounts:
            parts.append((purse, coins, amounts))
    _joined(book, parts, chance, least=20)


def _whirlpool(book: CoinBook, purses: list[Purse], chance: Random) -> None:
    """Five to eight who each make a coin of the pool's size ready, and mix these."""
    pool, fee = chance.choice(((1_000_000, 40_000), (5_000_000, 150_000)))
    parts = []
    for purse in _some_of(purses, chance.randint(5, 8), chance):
        ready = pool + chance.randrange(500, fee)
        before = len(purse.coins)
        book.spend(purse, [(purse, ready)])
        mine = [coin for coin in purse.coins if coin.amount == ready]
        if len(purse.coins) and mine and before:
            purse.coins.remove(mine[0])
            parts.append((purse, [mine[0]], [pool]))
    _joined(book, parts, chance, least=5)


def _joinmarket(book: CoinBook, purses: list[Purse], chance: Random) -> None:
    """A taker and some makers: one equal output each, and change for most."""
    size = chance.randrange(COIN // 100, COIN // 2)
    parts = []
    for purse in _some_of(purses, chance.randint(3, 8), chance):
        coins = purse.take(size + _FEE + 5_000)
        rest = sum(coin.amount for coin in coins) - size - _FEE
        if rest < 0:
            purse.coins += coins
            continue
        parts.append((purse, coins, [size, rest] if rest > 1_000 else [size]))
    _joined(book, parts, chance, least=3)


def _joined(
    book: CoinBook, parts: list[tuple[Purse, list[Coin], list[int]]], chance: Random, *, least: int
) -> None:
    if len(parts) >= least:
        book.join(parts, chance)
        return
    for purse, coins, _ in parts:
        purse.coins += coins


def _peel(book: CoinBook, purse: Purse, payees: list[Purse]) -> None:
    """One large coin, from which a little is paid off again and again."""
    book.mint(purse, [50 * COIN])
    purse.coins.insert(0, purse.coins.pop())
    for payee in payees:
        book.spend(purse, [(payee, COIN // 5 + 1_234)])
        # Its change is the next to be spent.
        purse.coins.insert(0, purse.coins.pop())


def _some_of(purses: list[Purse], count: int, chance: Random) -> list[Purse]:
    return chance.sample(purses, min(count, len(purses)))
