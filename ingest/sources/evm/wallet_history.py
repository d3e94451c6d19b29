"""The tokens that one account moved, out of the logs of a chain's nodes."""

from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Final

import msgspec

from graph_api.domain.amounts import units
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.records import Record, Token, Transfer, WalletFact
from graph_api.domain.wallet_loads import Part
from ingest.providers.endpoints import Endpoint
from ingest.providers.limits import Window
from ingest.sources.chain import BlockFacts
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm.describing import everything
from ingest.sources.evm.descriptions import (
    Unknown,
    counterparties,
    is_somebody,
    kinds_at,
    tokens_at,
)
from ingest.sources.evm.known_tokens import known_decimals
from ingest.sources.evm.reading import EvmReading
from ingest.sources.evm.source import EvmSource
from ingest.sources.evm.wallet_logs import transfers_of
from ingest.sources.histories import Told

#: Blocks of one stretch, at first and at most. Nodes that allow less in one call are asked often.
FIRST_SPAN: Final = 10_000
LARGEST_SPAN: Final = 100_000
#: So many facts in a stretch are enough: the next one is shorter.
_FULL: Final = 2_000
#: How the nodes are read: a call may span a whole stretch.
READING: Final = EvmReading(log_window=LARGEST_SPAN)


class EvmTokenHistory:
    """A ``HistorySource`` of token transfers, over the nodes of ``source``.

    The account is looked up in indices of logs, so its blocks are not read; nothing but the node's
    word proves that none is left out. Tokens and accounts that ``unknown_…`` say are new are
    described as a follower does.
    """

    part = Part.TOKENS
    counts_blocks = True
    unseen: str | None = "Payments of the chain's own coin, which leave no logs."

    def __init__(
        self,
        source: EvmSource,
        *,
        reading: EvmReading = READING,
        unknown_tokens: Unknown = everything,
        unknown_accounts: Unknown = everything,
        span: int = FIRST_SPAN,
    ) -> None:
        self.chain, self._source, self._reading = source.chain, source, reading
        self.name = f"nodes of {source.chain.name}"
        self._unknown_tokens, self._unknown_accounts = unknown_tokens, unknown_accounts
        self._span = Window(span, largest=max(span, LARGEST_SPAN))
        self._records = ChainRecords(source.chain, decimals=known_decimals())
        self._described: set[str] = set()

    @property
    def calls(self) -> int:
        """How many calls the nodes were sent."""
        return sum(endpoint.sent for endpoint in self._source.endpoints.all)

    async def settled(self) -> int:
        """The newest block that the chain calls final, or that is deep enough."""
        final = await self._source.final()
        if final is None:
            final = (await self._source.head()).number - self.chain.finality_depth
        return max(final, 0)

    async def told(self, account: AccountId, first: int, last: int) -> AsyncGenerator[Told]:
        """The tokens that ``account`` moved in the blocks ``first..last``, newest first."""
        while first <= last:
            start = max(first, last - self._span.size + 1)
            work = partial(self._read, account=account, first=start, last=last)
            told = await self._source.endpoints.ask(work)
            if len(told.records) > _FULL:
                self._span.shrink()
            else:
                self._span.grow()
            self._described.update(
                one.id for one in told.records if isinstance(one, (Token, WalletFact))
            )
            yield told
            last = start - 1

    async def _read(self, endpoint: Endpoint, *, account: AccountId, first: int, last: int) -> Told:
        facts = await transfers_of(
            endpoint,
            account,
            self._records,
            first=first,
            last=last,
            log_window=self._reading.log_window,
        )
        tokens = await self._tokens(endpoint, facts)
        kinds = await self._kinds(endpoint, facts)
        return Told(
            first=first,
            last=last,
            records=(
                *(_in_units(record, self._records) for one in facts for record in one.records),
                *tokens,
                *kinds,
            ),
            rejects=tuple(reject for one in facts for reject in one.rejects),
            hashes={one.ref.number: one.ref.hash for one in facts},
        )

    async def _tokens(self, endpoint: Endpoint, facts: Sequence[BlockFacts]) -> list[Token]:
        met = {
            record.token: one.ref.number
            for one in facts
            for record in one.records
            if isinstance(record, Transfer) and record.token is not None
        }
        fresh = await self._fresh(met, self._unknown_tokens)
        wanted = [(TokenId(token), met[TokenId(token)]) for token in fresh]
        found = await tokens_at(endpoint, wanted, self._records) if wanted else []
        for token in found:
            if token.decimals is not None:
                self._records.decimals[token.id] = token.decimals
        return found

    async def _kinds(self, endpoint: Endpoint, facts: Sequence[BlockFacts]) -> list[WalletFact]:
        met = {who: one.ref.number for one in facts for who, _ in counterparties(one)}
        fresh = await self._fresh(met, self._unknown_accounts)
        wanted = [(AccountId(one), met[AccountId(one)]) for one in fresh if is_somebody(one)]
        return await kinds_at(endpoint, wanted) if wanted else []

    async def _fresh(
        self, met: dict[TokenId, int] | dict[AccountId, int], unknown: Unknown
    ) -> list[str]:
        candidates = [one for one in met if one not in self._described]
        fresh = set(await unknown(candidates)) if candidates else set()
        return [one for one in candidates if one in fresh]


def _in_units(record: Record, chain: ChainRecords) -> Record:
    """A transfer that was decoded before its token was described, in whole units too."""
    if not isinstance(record, Transfer) or record.amount is not None or record.token is None:
        return record
    if record.amount_raw is None or record.token not in chain.decimals:
        return record
    amount = units(record.amount_raw, chain.decimals[record.token])
    return msgspec.structs.replace(record, amount=amount)
