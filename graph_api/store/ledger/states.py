"""What the writer knows of wallets, tokens, flows, holdings and chains while it works.

Hundreds of thousands of these are kept at a time, and none refers to another object that could
refer back: the garbage collector need not look at them (``gc=False``).
"""

from functools import lru_cache
from hashlib import blake2b

import msgspec

from graph_api.domain.amounts import sortable, units
from graph_api.domain.positions import page_key
from graph_api.domain.records import Token, WalletKind

_RANK_TOP = 10**12
#: Ids that one batch asks for again and again.
_IDS_KEPT = 1 << 15


class WalletState(msgspec.Struct, gc=False):
    """A wallet's own properties."""

    id: str
    kind: str = WalletKind.UNKNOWN
    first_seen_at: int | None = None
    last_seen_at: int | None = None
    transfers_in: int = 0
    transfers_out: int = 0
    flows_in: int = 0
    flows_out: int = 0
    newest: str | None = None

    def seen(self, moment: int | None) -> None:
        """Something happened at ``moment``."""
        if moment is None:
            return
        if self.first_seen_at is None or moment < self.first_seen_at:
            self.first_seen_at = moment
        if self.last_seen_at is None or moment > self.last_seen_at:
            self.last_seen_at = moment

    def is_a(self, kind: str) -> None:
        """A source says ``kind``; a contract stays one, whatever else is said of it."""
        if self.kind == WalletKind.UNKNOWN or kind == WalletKind.CONTRACT:
            self.kind = kind


class TokenState(msgspec.Struct, gc=False):
    """A token's own properties."""

    id: str
    symbol: str | None = None
    name: str | None = None
    decimals: int | None = None
    total_supply_raw: str | None = None
    transfers: int = 0
    holders: int = 0
    unscaled: int = 0

    def learn(self, token: Token) -> bool:
        """Fill in what is not known yet; whether anything was new."""
        before = (self.symbol, self.name, self.decimals, self.total_supply_raw)
        self.symbol = self.symbol if self.symbol is not None else token.symbol
        self.name = self.name if self.name is not None else token.name
        self.decimals = self.decimals if self.decimals is not None else token.decimals
        if self.total_supply_raw is None and token.total_supply_raw is not None:
            self.total_supply_raw = str(token.total_supply_raw)
        return before != (self.symbol, self.name, self.decimals, self.total_supply_raw)


class Totals(msgspec.Struct, gc=False):
    """What is kept of a group of transfers, whoever they are between."""

    id: str
    transfers: int = 0
    first_at: int | None = None
    last_at: int | None = None

    def seen(self, moment: int | None) -> None:
        """One of them happened at ``moment``."""
        if moment is None:
            return
        if self.first_at is None or moment < self.first_at:
            self.first_at = moment
        if self.last_at is None or moment > self.last_at:
            self.last_at = moment


class FlowState(Totals):
    """Totals of an ordered pair and a token. ``amount_raw`` is None once one is unknown.

    ``usd_micros`` and ``priced`` are for comparing: whoever prices transfers writes them (see
    ``ledger.values``), never the writer.
    """

    sender: str = ""
    recipient: str = ""
    token: str | None = None
    amount_raw: int | None = 0
    usd_micros: int = 0
    priced: int = 0


class HoldingState(Totals):
    """Totals of a wallet and a token."""

    wallet: str = ""
    token: str = ""
    received_raw: int = 0
    sent_raw: int = 0
    uncounted: int = 0
    since_block: int | None = None

    @property
    def net_raw(self) -> int:
        """Received less sent."""
        return self.received_raw - self.sent_raw

    @property
    def rank_key(self) -> str:
        """Sorts a token's holdings, the largest net first."""
        return page_key(self.token, f"{inverted(sortable(self.net_raw))}|{self.id}")


class ChainState(msgspec.Struct, gc=False):
    """A chain's counters."""

    id: str
    blocks: int = 0
    transactions: int = 0
    transfers: int = 0
    wallets: int = 0
    untimed: int = 0
    first_block: int | None = None
    last_block: int | None = None
    first_at: int | None = None
    last_at: int | None = None

    def covers(self, block_number: int | None, moment: int | None) -> None:
        """A fact of that block and time is in the graph."""
        self.first_block = earliest(self.first_block, block_number)
        self.last_block = latest(self.last_block, block_number)
        self.first_at = earliest(self.first_at, moment)
        self.last_at = latest(self.last_at, moment)


class Moved(msgspec.Struct, frozen=True, gc=False):
    """A transfer in the graph, as far as totals are concerned."""

    id: str
    sender: str | None
    recipient: str
    token: str | None
    amount_raw: int | None = None
    block_number: int | None = None
    block_time: int | None = None
    usd: float | None = None


@lru_cache(maxsize=_IDS_KEPT)
def flow_id(sender: str, recipient: str, token: str | None) -> str:
    """The id of the flow of ``token`` from ``sender`` to ``recipient``."""
    return _digest("flow", sender, recipient, token or "")


@lru_cache(maxsize=_IDS_KEPT)
def holding_id(wallet: str, token: str) -> str:
    """The id of what ``wallet`` holds of ``token``."""
    return _digest("holding", wallet, token)


def busiest_first(wallet: str, transfers: int, flow: str) -> str:
    """Sorts a wallet's flows, the one with the most transfers first."""
    return page_key(wallet, f"{_RANK_TOP - transfers:012d}|{flow}")


def whole_units(amount_raw: int | None, decimals: int | None) -> float | None:
    """Whole units, or None where amount or decimals are unknown."""
    return None if amount_raw is None else units(amount_raw, decimals)


def earliest(first: int | None, second: int | None) -> int | None:
    """The smaller of the two that are known."""
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)


def latest(first: int | None, second: int | None) -> int | None:
    """The larger of the two that are known."""
    if first is None or second is None:
        return second if first is None else first
    return max(first, second)


def inverted(digits: str) -> str:
    """Digits turned round, so that ascending text order is descending numeric order.

    A negative number's leading "-" becomes "~", which sorts behind all positive ones.
    """
    return digits.translate(_INVERTED)


_INVERTED = str.maketrans("0123456789-", "9876543210~")


def _digest(*parts: str) -> str:
    return blake2b("|".join(parts).encode(), digest_size=16).hexdigest()
