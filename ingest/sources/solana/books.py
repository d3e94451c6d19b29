"""Who paid whom in a transaction: its effects, followed through its balances.

Effects speak of accounts, wallets are owners: what a token account holds is its owner's, and so
are the lamports that it keeps for its rent. Accounts of wrapped SOL are the exception: their
lamports are what the tokens stand for, so those lie with the mint, as the coins behind a wrapped
coin do on other chains. SOL that is wrapped goes to the mint and the token comes into being;
unwrapped, the token goes to nobody and the SOL comes back.

Programs may change balances without an instruction that says so: lamports of their own accounts,
fees that Token-2022 withholds, confidential amounts. What the effects do not explain of the
balances before and after is settled at the end: what is missing, owner by owner, laid end to end
along what was gained. Where only one owner lost or only one gained, that is how it was; otherwise
it is a convention, and the moves are derived. Withheld tokens lie with their mint. After that
every change of every balance is explained, or the balances cannot be true.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import base58

from graph_api.analysis.allocation import Slice, slices
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId
from ingest.sources.solana.effects import (
    Burnt,
    Closed,
    Effect,
    Founded,
    Handed,
    Minted,
    Opened,
    Paid,
    Sent,
    Swapped,
    Synced,
)
from ingest.sources.solana.execution import Execution
from ingest.sources.solana.programs import NATIVE_MINTS, NOBODY


class Move(NamedTuple):
    """Value that changed hands; addresses are bare. ``mint`` is None for SOL itself."""

    position: str
    mint: str | None
    source: str | None
    destination: str
    amount_raw: int
    derived: bool = False


class PoolSwap(NamedTuple):
    """What a pool took in (+) and paid out (-) of each of its two tokens."""

    position: str
    protocol: str
    pool: str
    user: str
    amounts: tuple[int, int]


class Unbalanced(BadInput):
    """A transaction's balances grow out of nothing: no chain says that."""


class TokenAccount(NamedTuple):
    """What is known of a token account; of no owner where nobody tells."""

    mint: str
    owner: str | None


class Books:
    """Balances of one transaction, carried from before it to after it."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self.moves: list[Move] = []
        self._swaps: list[tuple[str, Swapped, dict[str, int]]] = []
        #: Token accounts of which nobody told an owner; they stand for themselves.
        self.ownerless: set[str] = set()
        self._accounts = _token_accounts(execution)
        self._lamports = defaultdict(int, execution.lamports_before)
        self._lamports[execution.payer] -= execution.fee
        self._tokens = defaultdict[str, int](int)
        for account, held in (execution.tokens_before or {}).items():
            self._tokens[account] = held.amount_raw
        self._unsynced = defaultdict[str, int](int)

    def close(self) -> None:
        """Follow all effects, and settle the rest. Raises: BadInput, Unbalanced."""
        for step in self._execution.steps:
            for number, effect in enumerate(step.effects):
                self._follow(effect, _Places(step.place, number))
        rests = [*self._rest_of_lamports()]
        if self._execution.tokens_before is not None and self._execution.tokens_after is not None:
            rests += self._rests_of_tokens()
        for number, rest in enumerate(rests):
            self.moves.append(rest._replace(position=f"trace:{number}"))

    def swaps(self) -> Iterator[PoolSwap]:
        """Swaps of known pools, in their order."""
        for place, swap, taken in self._swaps:
            vaults = sorted(swap.vaults, key=self._mint_key) if swap.sorted else swap.vaults
            first, second = (taken[vault] for vault in vaults)
            if first or second:
                yield PoolSwap(f"ix:{place}", swap.protocol, swap.pool, swap.user, (first, second))

    def _mint_key(self, vault: str) -> bytes:
        known = self._accounts.get(vault)
        return b"" if known is None else base58.b58decode(known.mint)

    def _follow(self, effect: Effect, places: "_Places") -> None:
        match effect:
            case Paid():
                self._pay(effect.source, effect.destination, effect.lamports, places.first)
            case Sent():
                self._send(effect, places.first)
            case Minted(mint, account, amount):
                self._tokens[account] += amount
                self._move(places.first, mint, None, self._owner(account, mint), amount)
            case Burnt(account, mint, amount):
                self._tokens[account] -= amount
                self._move(places.first, mint, self._owner(account, mint), NOBODY, amount)
            case Opened():
                self._open(effect, places.first)
            case Closed():
                self._close(effect, places)
            case Handed():
                self._hand(effect, places)
            case Synced(account):
                self._sync(account, places.first)
            case Swapped():
                self._swaps.append((places.first, effect, dict.fromkeys(effect.vaults, 0)))
            case Founded():
                pass

    def _pay(self, source: str, destination: str, lamports: int, position: str) -> None:
        self._lamports[source] -= lamports
        self._lamports[destination] += lamports
        self._unsynced[source] -= lamports
        self._unsynced[destination] += lamports
        before, after = self._holder(source), self._holder(destination)
        # What one puts into one's own token account, or takes out of it, changes no hands.
        if lamports and (before != after or source == destination):
            self._move(position, None, before, after, lamports)

    def _send(self, sent: Sent, position: str) -> None:
        known = self._accounts.get(sent.source) or self._accounts.get(sent.destination)
        mint = sent.mint or (known and known.mint)
        if mint is None:
            raise BadInput(
                f"The transfer {position} names token accounts of which nobody tells the mint."
            )
        self._tokens[sent.source] -= sent.amount_raw
        self._tokens[sent.destination] += sent.amount_raw
        if mint in NATIVE_MINTS:
            self._lamports[sent.source] -= sent.amount_raw
            self._lamports[sent.destination] += sent.amount_raw
        self._pass_through(sent, position)
        before, after = self._owner(sent.source, mint), self._owner(sent.destination, mint)
        if before != after or sent.source == sent.destination:
            self._move(position, mint, before, after, sent.amount_raw)

    def _pass_through(self, sent: Sent, position: str) -> None:
        """Tokens that move while a pool swaps; it does until the next swap or instruction."""
        if not self._swaps:
            return
        place, _, taken = self._swaps[-1]
        if place.partition(".")[0] == position.partition(".")[0]:
            if sent.destination in taken:
                taken[sent.destination] += sent.amount_raw
            if sent.source in taken:
                taken[sent.source] -= sent.amount_raw

    def _open(self, opened: Opened, position: str) -> None:
        self._accounts[opened.account] = TokenAccount(opened.mint, opened.owner)
        self._unsynced[opened.account] = 0
        if opened.mint in NATIVE_MINTS:
            kept = NATIVE_MINTS[opened.mint]
            self._wrap(opened.account, self._lamports[opened.account] - kept, position)

    def _sync(self, account: str, position: str) -> None:
        self._wrap(account, self._unsynced.pop(account, 0), position)

    def _wrap(self, account: str, amount: int, position: str) -> None:
        known = self._accounts.get(account)
        if known is not None and known.mint in NATIVE_MINTS and amount > 0:
            self._tokens[account] += amount
            self._move(position, known.mint, None, self._owner(account, known.mint), amount)

    def _close(self, closed: Closed, places: "_Places") -> None:
        known = self._accounts.get(closed.account)
        if known is not None and known.mint in NATIVE_MINTS:
            held, owner = (
                self._tokens.pop(closed.account, 0),
                self._owner(closed.account, known.mint),
            )
            if held:
                self._move(places.second, known.mint, owner, NOBODY, held)
        self._pay(closed.account, closed.destination, self._lamports[closed.account], places.first)

    def _hand(self, handed: Handed, places: "_Places") -> None:
        known = self._accounts.get(handed.account)
        if known is None or known.owner == handed.owner:
            return
        if not self._execution.exact:
            raise BadInput("A token account changes hands, and its balance is not told.")
        before = self._owner(handed.account, known.mint)
        self._accounts[handed.account] = TokenAccount(known.mint, handed.owner)
        if held := self._tokens[handed.account]:
            self._move(places.first, known.mint, before, handed.owner, held)
        if known.mint not in NATIVE_MINTS and (rent := self._lamports[handed.account]):
            self._move(places.second, None, before, handed.owner, rent)

    def _rest_of_lamports(self) -> Iterator[Move]:
        rest = defaultdict[str, int](int)
        after = self._execution.lamports_after
        for account in {**self._lamports, **after}:
            rest[self._holder(account)] += after.get(account, 0) - self._lamports[account]
        if sum(rest.values()) > 0:
            raise Unbalanced("The accounts of a transaction hold more after it than before it.")
        return _settled(rest, None, surplus=None, shortage=NOBODY)

    def _rests_of_tokens(self) -> Iterator[Move]:
        rests = defaultdict[str, dict[str, int]](lambda: defaultdict(int))
        after = self._execution.tokens_after or {}
        for account in {**self._tokens, **after}:
            known = self._accounts.get(account)
            if known is not None:
                change = (after[account].amount_raw if account in after else 0) - self._tokens[
                    account
                ]
                rests[known.mint][self._owner(account, known.mint)] += change
        for mint in sorted(rests):
            native = mint in NATIVE_MINTS
            yield from _settled(
                rests[mint],
                mint,
                surplus=None if native else mint,
                shortage=NOBODY if native else mint,
            )

    def _holder(self, account: str) -> str:
        """Whose the lamports of an account are."""
        known = self._accounts.get(account)
        if known is None:
            return account
        return known.mint if known.mint in NATIVE_MINTS else self._owner(account, known.mint)

    def _owner(self, account: str, mint: str) -> str:
        """Whose the tokens of an account are."""
        known = self._accounts.get(account)
        if known is not None and known.owner is not None and known.mint == mint:
            return known.owner
        self.ownerless.add(account)
        return account

    def _move(
        self, position: str, mint: str | None, source: str | None, destination: str, amount: int
    ) -> None:
        self.moves.append(Move(f"ix:{position}", mint, source, destination, amount))


class _Places(NamedTuple):
    """Positions of what one effect of an instruction does: first the main thing, then another."""

    place: str
    number: int

    @property
    def first(self) -> str:
        return self.place if self.number == 0 else self._more(2 * self.number)

    @property
    def second(self) -> str:
        return self._more(2 * self.number + 1)

    def _more(self, number: int) -> str:
        inner = self.place if "." in self.place else f"{self.place}.0"
        return f"{inner}.{number}"


def _token_accounts(execution: Execution) -> dict[str, TokenAccount]:
    """As they begin: what is told before, what the transaction opens, what is told after."""
    found: dict[str, TokenAccount] = {}
    for account, held in (execution.tokens_before or {}).items():
        found[account] = TokenAccount(held.mint, held.owner)
    for step in execution.steps:
        for effect in step.effects:
            if isinstance(effect, Opened):
                found.setdefault(effect.account, TokenAccount(effect.mint, effect.owner))
    for account, held in (execution.tokens_after or {}).items():
        found.setdefault(account, TokenAccount(held.mint, held.owner))
    return found


def _settled(
    rest: Mapping[str, int], mint: str | None, *, surplus: str | None, shortage: str
) -> Iterator[Move]:
    """Moves that explain ``rest``; what does not add up comes from and goes to the outside."""
    lost = [Slice(AccountId(owner), -rest[owner]) for owner in sorted(rest) if rest[owner] < 0]
    gained = [(owner, rest[owner]) for owner in sorted(rest) if rest[owner] > 0]
    more = sum(amount for _, amount in gained) - sum(piece.amount_raw for piece in lost)
    if more > 0:
        lost.append(Slice(None if surplus is None else AccountId(surplus), more))
    elif more < 0:
        gained.append((shortage, -more))
    derived = len(lost) > 1 and len(gained) > 1
    cut = slices(lost, [amount for _, amount in gained])
    for (owner, _), pieces in zip(gained, cut, strict=True):
        for source, amount in pieces:
            if source != owner:
                yield Move("", mint, source, owner, amount, derived)
