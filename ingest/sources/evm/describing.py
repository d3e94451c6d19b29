"""Adds to blocks what nodes know of the tokens and accounts that are new in them."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec

from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.records import Record, Token, WalletFact, WalletKind
from ingest.providers.endpoints import Endpoint
from ingest.sources.chain import BlockFacts
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm.answers import number
from ingest.sources.evm.blocks import facts_of
from ingest.sources.evm.descriptions import (
    Unknown,
    counterparties,
    is_somebody,
    kinds_at,
    tokens_at,
)
from ingest.sources.evm.logs import TRANSFER
from ingest.sources.evm.node import BlockAnswers

#: ``0x`` and one word.
_AMOUNT: Final = 66
#: What a long reading remembers; whoever is forgotten is described again, which changes nothing.
_REMEMBERED: Final = 500_000


async def everything(ids: Collection[str]) -> Collection[str]:
    """For those who keep nothing: all of it is new."""
    return ids


async def nothing(_: Collection[str]) -> Collection[str]:
    """For those who want no descriptions: nothing is new."""
    return ()


class Described(msgspec.Struct, frozen=True):
    """What a window of blocks says, and what was asked about in it, by the block of each."""

    facts: list[BlockFacts]
    asked: list[tuple[int, Token | WalletFact]]


class Describing:
    """One reading of blocks: what it has described it does not describe again.

    Windows are asked for at the same time and given on in order. What a window leaves out follows
    from the windows that had been given on when it was begun, so that the same blocks read the
    same way give the same records.
    """

    def __init__(self, chain: ChainRecords, tokens: Unknown, accounts: Unknown) -> None:
        self._chain, self._unknown_tokens, self._unknown_accounts = chain, tokens, accounts
        self._described: dict[str, int] = {}
        self._given = 0

    @property
    def given(self) -> int:
        """How many windows have been given on."""
        return self._given

    async def describe(
        self, endpoint: Endpoint, answers: Sequence[BlockAnswers], *, since: int
    ) -> Described:
        """What the blocks say, and what the node says of all that ``since`` windows had not.

        Raises: EndpointFault.
        """
        # Tokens first: amounts in whole units need their decimals.
        tokens = await self._tokens(endpoint, answers, since)
        facts = [facts_of(one, self._chain) for one in answers]
        kinds = await self._kinds(endpoint, facts, since)
        return Described(facts, [*tokens, *kinds])

    def give(self, window: Described) -> list[BlockFacts]:
        """The blocks of the next window, with what is described for the first time."""
        self._given += 1
        if len(self._described) > _REMEMBERED:
            self._described.clear()
        added: dict[int, list[Record]] = {}
        for block, fact in window.asked:
            if self._described.setdefault(fact.id, self._given) == self._given:
                added.setdefault(block, []).append(fact)
        return [
            msgspec.structs.replace(one, records=(*one.records, *added[one.ref.number]))
            if one.ref.number in added
            else one
            for one in window.facts
        ]

    async def _tokens(
        self, endpoint: Endpoint, answers: Sequence[BlockAnswers], since: int
    ) -> list[tuple[int, Token]]:
        if self._unknown_tokens is nothing:
            return []
        met: dict[str, int] = {}
        for answer in answers:
            block = number(answer.block.number)
            for token_id in _tokens_of(answer, self._chain):
                met.setdefault(token_id, block)
        fresh = await self._fresh(met, since, self._unknown_tokens)
        wanted = [(TokenId(one), met[one]) for one in fresh]
        found = await tokens_at(endpoint, wanted, self._chain) if wanted else []
        for token in found:
            if token.decimals is not None:
                self._chain.decimals[token.id] = token.decimals
        return [(met[token.id], token) for token in found]

    async def _kinds(
        self, endpoint: Endpoint, facts: Sequence[BlockFacts], since: int
    ) -> list[tuple[int, WalletFact]]:
        if self._unknown_accounts is nothing:
            return []
        met: dict[str, int] = {}
        signers: set[str] = set()
        for one in facts:
            for account, signed in counterparties(one):
                met.setdefault(account, one.ref.number)
                if signed:
                    signers.add(account)
        fresh = await self._fresh(met, since, self._unknown_accounts)
        fresh = [one for one in fresh if is_somebody(one)]
        asked = [(AccountId(one), met[one]) for one in fresh if one not in signers]
        found = await kinds_at(endpoint, asked) if asked else []
        keyed = [
            WalletFact(id=AccountId(one), kind=WalletKind.EOA) for one in fresh if one in signers
        ]
        return [(met[fact.id], fact) for fact in (*found, *keyed)]

    async def _fresh(self, met: dict[str, int], since: int, unknown: Unknown) -> list[str]:
        candidates = {one for one in met if self._described.get(one, since + 1) > since}
        fresh = set(await unknown(candidates)) if candidates else set()
        return [one for one in met if one in fresh]


def _tokens_of(answers: BlockAnswers, chain: ChainRecords) -> Iterator[TokenId]:
    addresses = {
        log.address
        for receipt in answers.receipts
        for log in receipt.logs
        if len(log.topics) == 3 and log.topics[0] == TRANSFER and len(log.data) == _AMOUNT
    }
    for address in sorted(addresses):
        try:
            yield chain.token(address)
        except BadInput:
            continue  # decoding the log says what is wrong with it
