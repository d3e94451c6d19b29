"""Who takes part: invented names, and addresses that no key is known to.

Nobody here exists. Addresses are digests of the seed and a role, so they are well-formed, the same
for the same seed, and nobody's.
"""

from hashlib import sha256
from random import Random
from typing import Final, NamedTuple

from eth_utils.crypto import keccak

EXCHANGES: Final = ("Harbourlight Exchange", "Quillspot Exchange", "Brassmoor Exchange")
MARKET_MAKERS: Final = ("Tidewhistle Making", "Copperlane Quotes")
FUNDS: Final = ("Ottergrove Fund", "Larkstone Capital", "Fernhollow Partners")
WHALES: Final = 6
DUSTERS: Final = 2


class DeskRole(NamedTuple):
    """An OTC desk: where its office is, what it trades, and whether the registry knows it."""

    name: str
    offset_hours: int
    spread_bps: int
    listed: bool = True


DESKS: Final = (
    DeskRole("Northwind OTC", 0, 12),
    DeskRole("Bluequay Desk", -5, 18),
    DeskRole("Aldermist Trading", 8, 25),
    # Trades like the others and is in no list: for whoever looks for desks by what they do.
    DeskRole("Sablefen", 1, 30, listed=False),
)


def slug(name: str) -> str:
    """An actor's id; the prefix keeps it apart from any real one."""
    return "sample-" + name.lower().replace(" ", "-")


def address(seed: int, role: str) -> str:
    """The EVM address of ``role``."""
    return "0x" + keccak(text=f"deskgraph sample {seed} {role}")[12:].hex()


def digest(seed: int, role: str) -> bytes:
    """32 bytes for ``role``: hashes of blocks and transactions, keys and scripts of Bitcoin."""
    return sha256(f"deskgraph sample {seed} {role}".encode()).digest()


class Crowd:
    """Ordinary users, of whom few do much and many do little."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        total = 0.0
        self._weights: list[float] = []
        for rank in range(1, len(names) + 1):
            total += rank**-0.9
            self._weights.append(total)

    def one(self, chance: Random) -> str:
        """A user, by how active each is."""
        return chance.choices(self.names, cum_weights=self._weights)[0]

    def several(self, chance: Random, count: int) -> list[str]:
        """Different users, each as likely as the other."""
        return chance.sample(self.names, min(count, len(self.names)))
