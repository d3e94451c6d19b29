"""Finds where traced value went on as another token or on another chain, in what is loaded."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from graph_api.analysis.tracing.matching import Match, Moved, issuers, swaps
from graph_api.analysis.tracing.pieces import Fate
from graph_api.domain.addresses import ZERO_EVM
from graph_api.domain.chains import Family, chain_of
from graph_api.domain.ids import (
    AccountId,
    TokenId,
    TransactionId,
    account_id,
    address_of,
    chain_id_of,
    native_token,
    token_id,
)
from graph_api.services.tracing.answers import TraceRefusal
from graph_api.services.tracing.bridges import Bridges, moved_of
from graph_api.services.tracing.ledger import Ledger, Place
from graph_api.services.tracing.questions import Way
from graph_api.services.tracing.worths import worths
from graph_api.store import swaps as pools
from graph_api.store import tokens, traces
from graph_api.store.traces import Movement

#: How many swaps of a transaction are looked at.
_SWAPS: Final = 200


class Crossings:
    """The matches of one trace, and what was looked at to find them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._graph, self._bridges = ledger, ledger.graph, Bridges(ledger)
        self._is_forward = ledger.asked.way is Way.FORWARD
        self.matches: list[Match] = []
        self.refusals: list[TraceRefusal] = []
        self._seen: set[TransactionId] = set()
        self._issues: dict[AccountId, bool] = {}

    async def look(self, moved: Sequence[Movement]) -> bool:
        """Look at movements of traced value, in the order in which it took them.

        Returns: whether something was found that was not known before.
        """
        barred = len(self._ledger.barred)
        found = await self._swaps(moved)
        bridged = self._bridges.payouts if self._is_forward else self._bridges.deposits
        known = {id for match in (*self.matches, *found) for id in (*match.paid, *match.got)}
        found += await bridged([row for row in moved if row.id not in known])
        self.matches += found
        return bool(found) or len(self._ledger.barred) > barred

    async def _swaps(self, moved: Sequence[Movement]) -> list[Match]:
        holders: dict[TransactionId, list[AccountId]] = {}
        new = [row for row in moved if row.transaction and row.transaction not in self._seen]
        for row in new:
            holder = row.sender if self._is_forward else row.recipient
            if row.transaction and holder:
                holders.setdefault(row.transaction, []).append(holder)
        self._seen |= holders.keys()
        made = await pools.of_transactions(self._graph, sorted(holders), first=_SWAPS)
        wanted = sorted({*made, *await self._issuing(new)})
        rows = await traces.of_transactions(self._graph, wanted) if wanted else []
        found: list[Match] = []
        for transaction in wanted:
            carried = [row for row in rows if row.owner == transaction]
            movements = [one for row in carried if (one := _within(row)) is not None]
            names: set[str] = {swap.pool for swap in made.get(transaction, ())}
            names |= issuers(movements, _contracts(carried))
            if not names:
                continue
            await self._ledger.add(carried)
            # What reaches a pool by a swap that nobody can match is at a service all the same.
            self._ledger.bar(
                {
                    Place(row.recipient, row.token)
                    for row in carried
                    if row.recipient in names and row.token
                },
                Fate.SERVICE,
            )
            for match in swaps(movements, names, first=holders.get(transaction, ())):
                shared = await self._shared(transaction, match, movements)
                found += [] if shared is None else [shared]
        return found

    async def _shared(
        self, transaction: TransactionId, match: Match, movements: Sequence[Moved]
    ) -> Match | None:
        """The match, with shares by worth where these decide; None where nobody knows them."""
        ids = match.paid if self._is_forward else match.got
        paid = [one for one in movements if one.id in ids]
        if len({one.token for one in paid}) == 1:
            return match
        found, unknown = await worths(self._graph, paid, at=paid[0].at)
        if not unknown:
            return match.by_worth(found)
        reason = f"Several tokens share in it, and nobody knows what {unknown[0]} cost then."
        self.refusals.append(TraceRefusal(transaction=transaction, reason=reason))
        return None

    async def _issuing(self, moved: Iterable[Movement]) -> set[TransactionId]:
        """Transactions in which a contract may have issued or redeemed shares of itself."""
        ends = {row.id: {row.sender, row.recipient} - {None} for row in moved}
        wallets = {wallet for some in ends.values() for wallet in some if wallet is not None}
        tokens_of = {
            token: wallet
            for wallet in wallets - self._issues.keys()
            if (token := _token_of(wallet))
        }
        known = await tokens.by_ids(self._graph, sorted(tokens_of)) if tokens_of else {}
        self._issues |= {wallet: token in known for token, wallet in tokens_of.items()}
        return {
            row.transaction
            for row in moved
            if row.transaction
            and (
                row.sender is None
                or any(
                    wallet is not None and (_is_nobody(wallet) or self._issues.get(wallet, False))
                    for wallet in ends[row.id]
                )
            )
        }


def _within(row: Movement) -> Moved | None:
    """A movement within a transaction, where the zero address is nobody."""
    moved = moved_of(row)
    if moved is None:
        return None
    return msgspec.structs.replace(
        moved,
        sender=None if row.sender is None or _is_nobody(row.sender) else row.sender,
        recipient=None if _is_nobody(row.recipient) else row.recipient,
    )


def _contracts(rows: Iterable[Movement]) -> dict[str, str]:
    """The contract of each token that has one."""
    return {
        row.token: account_id(chain, address_of(row.token))
        for row in rows
        if row.token
        and (chain := chain_of(row.chain)).family is Family.EVM
        and row.token != native_token(chain)
    }


def _token_of(wallet: AccountId) -> TokenId | None:
    """The token that a contract at this address would have."""
    chain = chain_of(chain_id_of(wallet))
    return token_id(chain, address_of(wallet)) if chain.family is Family.EVM else None


def _is_nobody(wallet: AccountId) -> bool:
    return address_of(wallet) == ZERO_EVM
