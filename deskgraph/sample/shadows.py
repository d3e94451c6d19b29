"""What investigators look for: a mixer's customers, dust, and coins that come into being and go."""

from functools import partial
from typing import Final

from deskgraph.sample import cast
from deskgraph.sample.account_chain import ETHER
from deskgraph.sample.agenda import DAY, HOUR
from deskgraph.sample.founding import Market
from deskgraph.sample.world import World

_MIXED: Final = 14  # per unit of scale
_DENOMINATIONS: Final = (1_000, 10_000)
_DUST_ROUNDS: Final = 2
_DUSTED: Final = 18


class Shadows:
    """Mixing, dusting, minting and burning."""

    def __init__(self, world: World, market: Market) -> None:
        self._world, self._market = world, market
        self._chance = world.chance("shadows")
        self._relayer = world.wallet("relayer")
        self._dusters = [world.wallet(f"duster {number}") for number in range(cast.DUSTERS)]

    def open(self) -> None:
        """Plan it all."""
        world, agenda = self._world, self._world.agenda
        world.ethereum.endow(self._relayer, 200 * world.scale * ETHER)
        for number in range(_MIXED * world.scale):
            agenda.at(agenda.any_moment(self._chance), partial(self._mix, number))
        for duster in self._dusters:
            world.ethereum.endow(duster, 20 * world.scale * ETHER)
            world.truth.dusters.append(duster)
            for _ in range(_DUST_ROUNDS * world.scale):
                agenda.at(agenda.any_moment(self._chance), partial(self._dust, duster))
        for week in range(1, agenda.days // 7):
            agenda.at(agenda.opens_at + week * 7 * DAY + 10 * HOUR, self._mint_and_burn)

    def _mix(self, number: int) -> None:
        """A whale's money goes in; days later it leaves to an address without a past."""
        usdc = self._market.usdc
        amount = usdc.whole(self._chance.choice(_DENOMINATIONS))
        payer = self._world.wallet(f"whale {self._chance.randrange(cast.WHALES)}")
        note = "0x" + cast.digest(self._world.seed, f"note {number}").hex()
        paid = self._market.mixer.deposit(payer, amount, note=note)
        if paid is not None:
            delay = self._chance.randrange(DAY, 9 * DAY)
            self._world.agenda.after(delay, partial(self._unmix, number, payer, amount, paid))

    def _unmix(self, number: int, payer: str, amount: int, paid: str) -> None:
        fresh = self._world.wallet(f"fresh {number}")
        left = self._market.mixer.withdraw(self._relayer, fresh, amount)
        if left is not None:
            self._world.truth.mixed.append(
                {"payer": payer, "recipient": fresh, "in": paid, "out": left}
            )

    def _dust(self, duster: str) -> None:
        """Amounts too small to notice, to many at once."""
        usdc, crowd = self._market.usdc, self._world.crowd
        targets = [self._world.wallet(name) for name in crowd.several(self._chance, _DUSTED)]
        if usdc.held[duster] < _DUSTED * 100:
            self._world.ethereum.pay(
                usdc, self._world.wallet(f"{cast.EXCHANGES[0]} hot 1"), duster, usdc.whole(1)
            )
        amounts = [self._chance.randrange(1, 99) for _ in targets]
        self._market.batch.send(duster, usdc, targets, amounts)

    def _mint_and_burn(self) -> None:
        chain, issuer = self._world.ethereum, self._world.wallet("issuer")
        token = self._chance.choice(self._market.stable)
        holder = self._world.wallet(f"{self._chance.choice(cast.EXCHANGES)} cold")
        amount = token.whole(self._chance.randrange(100, 2_000) * 1_000)
        if self._chance.random() < 0.5:
            chain.mint(token, issuer, holder, amount)
        elif chain.pay(token, holder, issuer, amount) is not None:
            chain.burn(token, issuer, amount)
