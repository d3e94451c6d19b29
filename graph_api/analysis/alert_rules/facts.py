"""What was known of an event when it happened, and what rules make of that.

Everything in ``Known`` is as of the event, never as of now, so that judging late, twice or from
history finds the same. Amounts are whole base units, dollars are exact.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext
from enum import StrEnum
from typing import Any, Final

import msgspec

from graph_api.analysis.alert_rules.happenings import Moved, moment
from graph_api.domain.alerts import Direction, Size, Subjects
from graph_api.domain.amounts import exact_units
from graph_api.domain.ids import AccountId
from graph_api.domain.prices import MICROS, Price

_DIGITS: Final = 240
_LONGEST_NAME: Final = 60


class Fact(StrEnum):
    """What a kind of rule has to know beyond what an event says."""

    OWNERS = "owners"
    LISTS = "lists"
    SANCTIONS = "sanctions"
    TOKEN = "token"  # noqa: S105 - what is known of a token, not a password
    PRICE = "price"
    MET = "met"
    IDLE = "idle"
    BALANCE = "balance"
    FLOWED = "flowed"
    COURSE = "course"


class Owner(msgspec.Struct, frozen=True):
    """Whom a wallet belonged to."""

    id: str
    name: str
    type: str


class Claim(msgspec.Struct, frozen=True):
    """What was said of a wallet, and by whom."""

    label: str
    source: str


class TokenFacts(msgspec.Struct, frozen=True):
    """What is known of a token; None where nobody has said."""

    symbol: str | None
    decimals: int | None


class Balance(msgspec.Struct, frozen=True):
    """What a wallet had received less what it had sent, once the transfer was done.

    ``complete`` is false where transfers without a known amount are not counted.
    """

    after_raw: int
    complete: bool


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What was known when an event happened.

    Args:
        owners: Actors of wallets, as labels told then.
        lists: Watchlists of the rule's workspace that name a wallet, or its actor.
        sanctions: Wallets that were under sanctions then.
        token: Of the token that moved.
        price: Of a whole unit of it at the block's time; None while nobody knew one.
        met: Whether sender and recipient had dealt with each other before this transfer.
        last_at: Time of the sender's newest transfer before this one; None where there is none.
        balance: Of the wallet and token that the rule names.
        flowed_micros: What counted for the rule within its window before this transfer.
        course: Prices of the asset in the rule's window and the one that held as it began, the
            oldest first, without the tick that is judged.
    """

    owners: Mapping[AccountId, Owner] = {}
    lists: Mapping[AccountId, frozenset[str]] = {}
    sanctions: Mapping[AccountId, Claim] = {}
    token: TokenFacts | None = None
    price: Price | None = None
    met: bool | None = None
    last_at: datetime | None = None
    balance: Balance | None = None
    flowed_micros: int = 0
    course: tuple[Price, ...] = ()


# Whom a rule watches


def is_watched(subjects: Subjects, wallet: AccountId | None, known: Known) -> bool:
    """Whether ``subjects`` name the wallet, its actor or a watchlist that does."""
    if wallet is None:
        return False
    if wallet in subjects.wallets:
        return True
    if subjects.watchlist is not None and subjects.watchlist in known.lists.get(wallet, ()):
        return True
    owner = known.owners.get(wallet)
    return owner is not None and (owner.id in subjects.actors or owner.type in subjects.actor_types)


def watched_side(
    subjects: Subjects, moved: Moved, known: Known, *, direction: Direction
) -> AccountId | None:
    """The watched wallet of a transfer that goes ``direction`` for it; of both the sender."""
    if direction is not Direction.IN and is_watched(subjects, moved.sender, known):
        return moved.sender
    if direction is not Direction.OUT and is_watched(subjects, moved.recipient, known):
        return moved.recipient
    return None


def needed_for(subjects: Subjects) -> frozenset[Fact]:
    """What tells whether ``subjects`` name a wallet."""
    facts = set[Fact]()
    if subjects.watchlist is not None:
        # Whoever lists an actor lists its wallets.
        facts |= {Fact.LISTS, Fact.OWNERS}
    if subjects.actors or subjects.actor_types:
        facts.add(Fact.OWNERS)
    return frozenset(facts)


def anybody(subjects: Subjects) -> bool:
    """Whether nobody is named."""
    return subjects == Subjects()


# How much moved

#: What tells how much moved; a price is kept with an alert wherever one was known.
OF_SIZE: Final = frozenset({Fact.TOKEN, Fact.PRICE})


def may_reach(size: Size, moved: Moved) -> bool:
    """Whether ``size`` may be reached, by what the transfer itself says."""
    if size.chains and moved.chain not in size.chains:
        return False
    if size.tokens and moved.token not in size.tokens:
        return False
    if size.min_amount_raw is not None:
        return moved.amount_raw is not None and moved.amount_raw >= size.min_amount_raw
    return moved.amount_raw is not None or (size.min_amount is None and size.min_usd is None)


def reaches(size: Size, moved: Moved, known: Known) -> bool:
    """Whether as much moved as ``size`` asks for; what nobody knows is not reached."""
    if not may_reach(size, moved):
        return False
    if size.min_amount is not None:
        amount = units(moved, known)
        if amount is None or amount < size.min_amount:
            return False
    if size.min_usd is not None:
        usd = worth(moved, known)
        if usd is None or usd < size.min_usd:
            return False
    return True


def units(moved: Moved, known: Known) -> Decimal | None:
    """Whole units that moved, exact; None while amount or decimals are unknown."""
    if moved.amount_raw is None or known.token is None or known.token.decimals is None:
        return None
    return exact_units(moved.amount_raw, known.token.decimals)


def worth(moved: Moved, known: Known) -> Decimal | None:
    """Dollars at the block's time, exact; None while amount, decimals or price are unknown."""
    amount = units(moved, known)
    if amount is None or known.price is None:
        return None
    with localcontext(prec=_DIGITS):
        return amount * known.price.usd


def worth_micros(moved: Moved, known: Known) -> int | None:
    """The same in millionths of a dollar, rounded down: a sum of them never says too much."""
    usd = worth(moved, known)
    if usd is None:
        return None
    with localcontext(prec=_DIGITS, rounding=ROUND_FLOOR):
        return int((usd * MICROS).to_integral_value())


# What an alert says


def told(moved: Moved, known: Known) -> dict[str, Any]:
    """What an alert keeps of a transfer: amounts, and the price that was used."""
    amount, usd = units(moved, known), worth(moved, known)
    found: dict[str, Any] = {
        "transfer": moved.id,
        "chain": moved.chain,
        "sender": moved.sender,
        "recipient": moved.recipient,
        "token": moved.token,
        "amountRaw": None if moved.amount_raw is None else str(moved.amount_raw),
        "amount": None if amount is None else plain(amount),
        "usd": None if usd is None else plain(cents(usd)),
        "blockNumber": moved.block_number,
        "blockHash": moved.block_hash,
    }
    if known.price is not None:
        found["price"] = price_told(known.price)
    return found


def price_told(price: Price) -> dict[str, Any]:
    """What an alert keeps of a price."""
    return {
        "asset": price.asset,
        "usd": plain(price.usd),
        "at": moment(price.at).isoformat(),
        "source": price.source,
    }


def amount_said(moved: Moved, known: Known) -> str:
    """How much moved, for a person: ``12.5 ETH ($40,000)``."""
    amount, usd = units(moved, known), worth(moved, known)
    symbol = clean((known.token and known.token.symbol) or "") or "of a token"
    if amount is not None:
        said = f"{shortened(amount)} {symbol}"
    elif moved.amount_raw is not None:
        said = f"{moved.amount_raw:,} base units {symbol}"
    else:
        said = f"an unknown amount {symbol}"
    return said if usd is None else f"{said} ({dollars_said(usd)})"


def dollars_said(usd: Decimal) -> str:
    """Dollars for a person, without cents from a thousand on."""
    return f"${usd:,.0f}" if usd >= 1000 else f"${usd:,.2f}"


def shortened(amount: Decimal) -> str:
    """An amount for a person: whole from a thousand on, else up to six digits behind the point."""
    if amount >= 1000:
        return f"{amount:,.0f}"
    if amount and amount < Decimal("1e-6"):
        return plain(amount)
    return plain(Decimal(f"{amount:.6f}"))


def named(wallet: AccountId | None, known: Known) -> str:
    """A wallet for a person: its owner's name, or the ends of its address."""
    if wallet is None:
        return "nobody"
    owner = known.owners.get(wallet)
    if owner is not None:
        return clean(owner.name)
    address = wallet.rpartition(":")[2]
    return address if len(address) <= 14 else f"{address[:6]}…{address[-4:]}"


def clean(name: str) -> str:
    """A name that a stranger gave, as far as it can be shown on a line."""
    return "".join(sign for sign in name if sign.isprintable())[:_LONGEST_NAME].strip()


def plain(number: Decimal) -> str:
    """All digits of a number, without zeros behind the point."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def cents(usd: Decimal) -> Decimal:
    """Dollars to a millionth, as values are kept."""
    with localcontext(prec=_DIGITS, rounding=ROUND_HALF_EVEN):
        return usd.quantize(Decimal(1) / MICROS)


def span_said(seconds: int) -> str:
    """A length of time for a person, in its largest whole unit."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{seconds} second" if seconds == 1 else f"{seconds} seconds"
