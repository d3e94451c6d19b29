"""What one account did, out of the index of a chain's nodes: its own transactions, and those of its
token accounts, which need not name it.

A token account that is closed is found by what closed it, where its owner signed that. What was
found once is remembered with the history, so that reading goes on as if it had never ended.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, address_of
from graph_api.domain.records import Record, Reject
from graph_api.domain.wallet_loads import Part
from ingest.providers.endpoints import Endpoint
from ingest.providers.faults import Behind, FalseBalances, WrongBlock
from ingest.providers.rpc import Call
from ingest.sources.chain_records import ChainRecords
from ingest.sources.histories import Told
from ingest.sources.solana.answers import TransactionAnswer, execution
from ingest.sources.solana.books import Unbalanced
from ingest.sources.solana.effects import Closed, Handed, Opened
from ingest.sources.solana.execution import Execution
from ingest.sources.solana.programs import TOKEN, TOKEN_2022
from ingest.sources.solana.records import Page
from ingest.sources.solana.signatures import Signatures, Signed
from ingest.sources.solana.source import SolanaSource, said

#: So many transactions are told at once.
_AT_ONCE: Final = 100

#: The token accounts that an earlier request has found of an account.
Remembered = Callable[[AccountId], Awaitable[Collection[str]]]


async def nothing(_: AccountId) -> Collection[str]:
    """For those who ask for an account once."""
    return ()


class _Found(TransactionAnswer, rename="camel", kw_only=True):
    slot: int
    block_time: int | None = None
    #: Newer nodes alone tell it; a block that is read later adds it.
    transaction_index: int | None = None


class _TokenAccount(msgspec.Struct):
    pubkey: str


class _TokenAccounts(msgspec.Struct):
    value: list[_TokenAccount]


class _Read(msgspec.Struct, frozen=True):
    """What some transactions say, and the token accounts of the owner that they name."""

    records: tuple[Record, ...]
    rejects: tuple[Reject, ...]
    accounts: frozenset[str]


class SolanaHistory:
    """A ``HistorySource`` of everything that names an account or its token accounts, over the
    nodes of ``source``.

    Nothing but the node's word proves that its index leaves none out.
    """

    part = Part.EVERYTHING
    counts_blocks = False
    unseen: str | None = (
        "Rewards of stakes and votes, which are no transactions; and what others sent to a token "
        "account that is closed, where no transaction that names the wallet names that account."
    )

    def __init__(
        self, source: SolanaSource, *, remembered: Remembered = nothing, at_once: int = _AT_ONCE
    ) -> None:
        self.chain, self._source = source.chain, source
        self.name = f"nodes of {source.chain.name}"
        self._remembered, self._at_once = remembered, at_once
        self._records = ChainRecords(source.chain, decimals={})
        self._known: dict[AccountId, set[str]] = {}

    @property
    def calls(self) -> int:
        """How many calls the nodes were sent."""
        return self._source.calls

    async def settled(self) -> int:
        """The newest finalized slot."""
        return await self._source.final() or 0

    async def told(self, account: AccountId, first: int, last: int) -> AsyncGenerator[Told]:
        """What names ``account`` in the slots ``first..last``, newest first."""
        fresh = await self._begin(account, last)
        listing = Signatures(self._source, first=first, last=last)
        listing.watch([address_of(account), *sorted(self._known[account])])
        while first <= last:
            listed = await listing.next(self._at_once)
            records, rejects = list[Record](), list[Reject]()
            signed = listed.transactions
            while signed:
                read = await self._read(account, signed)
                records += read.records
                rejects += read.rejects
                late = read.accounts - self._known[account]
                self._known[account] |= late
                fresh |= late
                # What names them alone lies above too, where their owner was read already.
                signed = await listing.late(sorted(late), down_to=listed.first) if late else ()
            yield Told(
                first=listed.first,
                last=last,
                records=tuple(records),
                rejects=tuple(rejects),
                accounts=tuple(sorted(fresh)),
            )
            last, fresh = listed.first - 1, set()

    async def _begin(self, account: AccountId, last: int) -> set[str]:
        """Learn of the token accounts there are. Returns: those that nobody remembers yet."""
        if account in self._known:
            return set()
        remembered = set(await self._remembered(account))
        work = partial(self._open_accounts, owner=address_of(account), last=last)
        self._known[account] = remembered | await self._source.ask(work)
        return self._known[account] - remembered

    async def _open_accounts(self, node: Endpoint, *, owner: str, last: int) -> set[str]:
        options: dict[str, Any] = {
            "encoding": "base64",
            # Which they are is enough.
            "dataSlice": {"offset": 0, "length": 0},
            "commitment": "finalized",
            "minContextSlot": last,
        }
        calls = [
            Call("getTokenAccountsByOwner", [owner, {"programId": program}, options])
            for program in (TOKEN, TOKEN_2022)
        ]
        answers = await node.batch(calls, _TokenAccounts)
        return {
            one.pubkey
            for call, answer in zip(calls, answers, strict=True)
            for one in said(answer, call.method).value
        }

    async def _read(self, account: AccountId, signed: Sequence[Signed]) -> _Read:
        """What those transactions say, as many at a time as are told at once."""
        parts = [
            await self._source.ask(
                partial(self._fetched, owner=address_of(account), signed=signed[start:end])
            )
            for start in range(0, len(signed), self._at_once)
            for end in [start + self._at_once]
        ]
        return _Read(
            tuple(record for part in parts for record in part.records),
            tuple(reject for part in parts for reject in part.rejects),
            frozenset(one for part in parts for one in part.accounts),
        )

    async def _fetched(self, node: Endpoint, *, owner: str, signed: Sequence[Signed]) -> _Read:
        options = {
            "commitment": "finalized",
            "encoding": "json",
            "maxSupportedTransactionVersion": 0,
        }
        calls = [Call("getTransaction", [one.signature, options]) for one in signed]
        records, rejects, accounts = list[Record](), list[Reject](), set[str]()
        for one, answer in zip(signed, await node.batch(calls, _Found), strict=True):
            if answer is None:
                raise Behind(f"It lists transaction {one.signature[:90]}, and does not have it.")
            found = said(answer, "getTransaction")
            if found.slot != one.slot:
                raise WrongBlock(f"It has {one.signature[:90]} in another slot than it lists.")
            try:
                done = execution(found, found.transaction_index)
                if done.signature != one.signature:
                    raise WrongBlock(f"Asked for {one.signature[:90]} it tells another one.")
                accounts |= set(_token_accounts(done, owner))
                records += self._told_by(done, found)
            except Unbalanced as error:
                raise FalseBalances(f"Transaction {one.signature[:90]}: {error}") from None
            except BadInput as error:
                rejects.append(
                    Reject(
                        file=f"{self.chain.slug} block {one.slot}",
                        line=found.transaction_index or 0,
                        reason=str(error),
                        row=one.signature[:200],
                    )
                )
        return _Read(tuple(records), tuple(rejects), frozenset(accounts))

    def _told_by(self, done: Execution, found: _Found) -> Iterable[Record]:
        time = None if found.block_time is None else found.block_time * 1000
        page = Page(self._records, number=found.slot, time=time)
        page.write(done)
        return page.records()


def _token_accounts(done: Execution, owner: str) -> Iterable[str]:
    """The token accounts that are ``owner``'s before or after a transaction, or change hands in it.

    Those that it opens and closes again have no other transactions.
    """
    held = [*(done.tokens_before or {}).items(), *(done.tokens_after or {}).items()]
    yield from (account for account, holding in held if holding.owner == owner)
    effects = [effect for step in done.steps for effect in step.effects]
    gained = {
        effect.account
        for effect in effects
        if isinstance(effect, (Opened, Handed)) and effect.owner == owner
    }
    closed = {effect.account for effect in effects if isinstance(effect, Closed)}
    yield from gained - closed.difference(account for account, _ in held)
