"""What an instruction does to balances, in terms of accounts (not yet of their owners)."""

from typing import NamedTuple


class Paid(NamedTuple):
    """Lamports moved."""

    source: str
    destination: str
    lamports: int


class Sent(NamedTuple):
    """Tokens moved; an unchecked transfer does not name the mint."""

    source: str
    destination: str
    amount_raw: int
    mint: str | None = None


class Minted(NamedTuple):
    """Tokens came into being."""

    mint: str
    account: str
    amount_raw: int


class Burnt(NamedTuple):
    """Tokens went out of being."""

    account: str
    mint: str
    amount_raw: int


class Founded(NamedTuple):
    """A mint says how many decimals its token has."""

    mint: str
    decimals: int


class Opened(NamedTuple):
    """A token account begins."""

    account: str
    mint: str
    owner: str


class Closed(NamedTuple):
    """An account ends; all its lamports go to another."""

    account: str
    destination: str


class Handed(NamedTuple):
    """A token account gets another owner."""

    account: str
    owner: str


class Synced(NamedTuple):
    """Lamports that came to an account of wrapped SOL become tokens."""

    account: str


class Swapped(NamedTuple):
    """A pool swaps from here on; the amounts are what moves into and out of its vaults.

    A ``sorted`` pool has its tokens in the order of their mints, whatever that of its vaults.
    """

    protocol: str
    pool: str
    vaults: tuple[str, str]
    user: str
    sorted: bool


Effect = Paid | Sent | Minted | Burnt | Founded | Opened | Closed | Handed | Synced | Swapped
