"""Thefts and the ways of what was stolen: peeling, swaps, a bridge, a mixer, an exchange."""

from itertools import pairwise
from random import Random

from deskgraph.planted.book import Book, some
from deskgraph.planted.exchange import Exchange
from deskgraph.planted.people import Person
from deskgraph.planted.world import BEGINS, DAY, ETHEREUM, HOUR, MINUTE, Exit, Loot, erc20
from graph_api.domain.addresses import ZERO_EVM
from graph_api.domain.ids import AccountId, TokenId, TransactionId, address_of, token_id
from graph_api.domain.records import Transfer, WalletKind

NOBODY = AccountId(f"{ETHEREUM.id}:{ZERO_EVM}")
MIXER, BRIDGE, SWAP = "Greywell Mixer", "Farspan Bridge", "Millstone Swap"


class Underworld:
    """Services that thieves use, on two chains."""

    def __init__(self, near: Book, far: Book, stables: TokenId, far_stables: TokenId) -> None:
        self._near, self._far = near, far
        self._stables, self._far_stables = stables, far_stables
        self.mixer = near.own(MIXER, "pool", WalletKind.CONTRACT)
        self.bridges = [book.own(BRIDGE, "vault", WalletKind.CONTRACT) for book in (near, far)]
        self.pool = near.own(SWAP, "pair of coins and dollars", WalletKind.CONTRACT)
        self.vault = near.own(SWAP, "vault", WalletKind.CONTRACT)
        self._shares = near.token(token_id(near.chain, address_of(self.vault)), "vUSDX")
        self._wrapped = near.token(erc20(near.seed, "wrapped coins"), "WCOIN")

    def strike(self, number: int, victim: Person, exchange: Exchange, chance: Random) -> Loot:
        """Steal from ``victim`` and bring it out: a way that meets no other money."""
        near, thief = self._near, f"thief {number}"
        at = BEGINS + (20 + number) * DAY
        hands = [near.own(thief, f"hand {place}") for place in range(8)]
        amount = some(chance, 80, 200)
        stolen = near.pay(victim.wallets[0], hands[0], amount, at=at)
        exits: list[Exit] = []
        # A peeling chain: each hand keeps what it got but a piece, which goes to a mixer.
        for one, other in pairwise(hands[:4]):
            at += 3 * HOUR
            piece = 10**18 * (number + 1)
            near.pay(one, self.mixer, piece, at=at)
            exits.append(Exit(self.mixer, MIXER, near.coin, piece))
            amount -= piece
            near.pay(one, other, amount, at=at + 5 * MINUTE)
        at += 2 * HOUR
        dollars = amount * 3_000
        swapped = near.swap(
            hands[3],
            self.pool,
            gives=(near.coin, amount),
            gets=(self._stables, dollars),
            at=at,
        )
        half = dollars // 2
        near.pay(hands[3], hands[4], half, at=at + HOUR, token=self._stables)
        cashed = exchange.address_of(thief)
        near.pay(hands[4], cashed, half, at=at + 2 * HOUR, token=self._stables)
        near.pay(cashed, exchange.hot[0], half, at=at + 6 * HOUR, token=self._stables)
        near.truth.payers[cashed].add(hands[4])
        exits.append(Exit(exchange.hot[0], exchange.name, self._stables, half))
        # A part lies in a vault for a while and comes back as two tokens.
        parked = half // 4
        near.pay(hands[3], hands[5], parked, at=at + 2 * HOUR, token=self._stables)
        lent = self._lend(hands[5], parked, at=at + 3 * HOUR)
        coins = parked // 6_000
        back = self._redeem(hands[5], parked, coins, parked // 2, at=at + 20 * HOUR)
        near.pay(hands[5], self.mixer, parked // 2, at=at + 21 * HOUR, token=self._stables)
        near.pay(hands[5], self.mixer, coins, at=at + 22 * HOUR, token=self._wrapped)
        exits.append(Exit(self.mixer, MIXER, self._stables, parked // 2))
        exits.append(Exit(self.mixer, MIXER, self._wrapped, coins))
        crossing, landed = self._cross(hands[3], thief, dollars - half - parked, at=at + 3 * HOUR)
        exits.append(self._end(landed, exchange, at=at + 9 * HOUR))
        return Loot(
            seeds=(stolen.id,),
            thief=hands[0],
            swaps=(swapped, lent, back),
            bridges=((crossing.id, landed.id),),
            exits=tuple(exits),
        )

    def _lend(self, lender: AccountId, amount: int, *, at: int) -> TransactionId:
        """Dollars into the vault, as many shares out of it."""
        lent = self._near.trade(
            lender,
            self.vault,
            [(lender, self.vault, amount, self._stables), (None, lender, amount, self._shares)],
            at=at,
        )
        self._near.truth.swaps.add(lent)
        return lent

    def _redeem(
        self, lender: AccountId, shares: int, coins: int, dollars: int, *, at: int
    ) -> TransactionId:
        """Shares into the vault, which burns them, and coins and dollars out of it."""
        back = self._near.trade(
            lender,
            self.vault,
            [
                (lender, self.vault, shares, self._shares),
                (self.vault, NOBODY, shares, self._shares),
                (self.vault, lender, coins, self._wrapped),
                (self.vault, lender, dollars, self._stables),
            ],
            at=at,
        )
        self._near.truth.swaps.add(back)
        return back

    def traffic(self, people: list[Person], chance: Random) -> None:
        """Honest customers of the bridge and the vault, and what looks like theirs and is not."""
        for number, person in enumerate(chance.sample(people, 20)):
            near, at = self._near, BEGINS + (10 + number) * DAY
            sender, amount = person.any_wallet(chance), some(chance, 100, 900)
            self._cross(sender, person.name, amount, at=at)
            # A friend pays almost as much there, a little later or sooner than the bridge; and
            # somebody pays as much to another address.
            landing = self._there(sender)
            friend = self._far.own(f"friend of {person.name}", f"wallet {number}")
            offset = chance.choice([2, 4, 30, 60])
            for recipient in (landing, friend):
                self._far.pay(
                    friend if recipient == landing else landing,
                    recipient,
                    amount - amount // chance.randint(100, 400),
                    at=at + offset * MINUTE + (recipient == friend) * DAY,
                    token=self._far_stables,
                )
            lent = some(chance, 10, 90)
            self._lend(sender, lent, at=at + 2 * HOUR)
            self._redeem(sender, lent, lent // 6_000, lent // 2, at=at + 5 * HOUR)
            # A share that changes hands is no crossing.
            near.pay(sender, person.any_wallet(chance), 10, at=at + HOUR, token=self._shares)

    def _there(self, account: AccountId) -> AccountId:
        """The address is the same on both chains: the same key opens it."""
        return AccountId(f"{self._far.chain.id}:{address_of(account)}")

    def _cross(
        self, sender: AccountId, thief: str, amount: int, *, at: int
    ) -> tuple[Transfer, Transfer]:
        """Over the bridge: less 0.1 % comes out on the other chain, minutes later."""
        near, far = self._near, self._far
        into = near.pay(sender, self.bridges[0], amount, at=at, token=self._stables)
        landing = self._there(sender)
        near.truth.owners[landing] = thief
        arrived = amount - amount // 1_000
        out = far.pay(
            self.bridges[1], landing, arrived, at=at + 9 * MINUTE, token=self._far_stables
        )
        near.truth.bridges.add((into.id, out.id))
        return into, out

    def _end(self, landed: Transfer, exchange: Exchange, *, at: int) -> Exit:
        far = self._far
        hot = far.own(exchange.name, "hot wallet 1")
        amount = landed.amount_raw or 0
        far.pay(landed.recipient, hot, amount, at=at, token=self._far_stables)
        return Exit(hot, exchange.name, self._far_stables, amount)


def mix(book: Book, people: list[Person], mixer: AccountId, chance: Random) -> None:
    """Honest customers of a mixer: a coin in, and out to a fresh wallet days later."""
    for number, person in enumerate(chance.sample(people, 20)):
        at = BEGINS + (8 + number) * DAY
        book.pay(person.any_wallet(chance), mixer, 10**18, at=at)
        fresh = book.own(person.name, "wallet behind the mixer")
        book.pay(mixer, fresh, 10**18 - some(chance, 0.001, 0.01), at=at + 3 * DAY)
