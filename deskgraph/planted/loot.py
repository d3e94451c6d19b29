"""Thefts and the ways of what was stolen: peeling, swaps, a bridge, a mixer, an exchange."""

from itertools import pairwise
from random import Random

from deskgraph.planted.book import Book, some
from deskgraph.planted.exchange import Exchange
from deskgraph.planted.people import Person
from deskgraph.planted.world import BEGINS, DAY, HOUR, MINUTE, Exit, Loot
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.records import Transfer, WalletKind

MIXER, BRIDGE, SWAP = "Greywell Mixer", "Farspan Bridge", "Millstone Swap"


class Underworld:
    """Services that thieves use, on two chains."""

    def __init__(self, near: Book, far: Book, stables: TokenId, far_stables: TokenId) -> None:
        self._near, self._far = near, far
        self._stables, self._far_stables = stables, far_stables
        self.mixer = near.own(MIXER, "pool", WalletKind.CONTRACT)
        self.bridges = [book.own(BRIDGE, "vault", WalletKind.CONTRACT) for book in (near, far)]
        self.pool = near.own(SWAP, "pair of coins and dollars", WalletKind.CONTRACT)

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
        crossing, landed = self._cross(hands[3], thief, dollars - half, at=at + 3 * HOUR)
        exits.append(self._end(landed, exchange, at=at + 9 * HOUR))
        return Loot(
            seeds=(stolen.id,),
            thief=hands[0],
            swaps=(swapped,),
            bridges=((crossing.id, landed.id),),
            exits=tuple(exits),
        )

    def _cross(
        self, sender: AccountId, thief: str, amount: int, *, at: int
    ) -> tuple[Transfer, Transfer]:
        """Over the bridge: less 0.1 % comes out on the other chain, minutes later."""
        near, far = self._near, self._far
        into = near.pay(sender, self.bridges[0], amount, at=at, token=self._stables)
        # The address is the same on both chains: the same key opens it.
        landing = AccountId(f"{far.chain.id}:{sender.rpartition(':')[2]}")
        near.truth.owners[landing] = thief
        arrived = amount - amount // 1_000
        out = far.pay(
            self.bridges[1], landing, arrived, at=at + 9 * MINUTE, token=self._far_stables
        )
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
