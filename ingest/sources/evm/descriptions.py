"""What a node knows of accounts and tokens themselves: whose code there is, a token's own words.

Source: EIP-20 (optional name, symbol and decimals), EIP-7702 (accounts that delegate).
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from typing import Any, Final

from graph_api.domain.addresses import ZERO_EVM
from graph_api.domain.ids import AccountId, TokenId, address_of
from graph_api.domain.records import Token, Transaction, Transfer, WalletFact, WalletKind
from ingest.providers.endpoints import Endpoint
from ingest.providers.faults import Garbled, Overloaded
from ingest.providers.rpc import Call, RpcError
from ingest.sources.chain import BlockFacts
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm.words import text_of, word, words

#: Which of these ids nothing is known of yet, as the graph says.
Unknown = Callable[[Collection[str]], Awaitable[Collection[str]]]

# The first four bytes of the hash of each signature.
_NAME, _SYMBOL, _DECIMALS, _SUPPLY = "0x06fdde03", "0x95d89b41", "0x313ce567", "0x18160ddd"
_SELECTORS: Final = (_NAME, _SYMBOL, _DECIMALS, _SUPPLY)
_MOST_DECIMALS: Final = 255
#: The code of an account that has a key and lets a contract act for it.
_DELEGATED: Final = "0xef0100"
_LATEST: Final = "latest"
_STATE: Final = "has the state of old blocks"


async def tokens_at(
    endpoint: Endpoint, wanted: Sequence[tuple[TokenId, int]], chain: ChainRecords
) -> list[Token]:
    """What each contract says of itself at a block. Raises: EndpointFault.

    What is no answer of an ERC-20 (reverted, not text, decimals beyond a byte) is left out.
    """
    calls = [
        Call("eth_call", ({"to": address_of(token), "data": selector}, hex(block)))
        for token, block in wanted
        for selector in _SELECTORS
    ]
    answers = iter(await _at_blocks(endpoint, calls))
    return [_token(token, [next(answers) for _ in _SELECTORS], chain) for token, _ in wanted]


async def kinds_at(endpoint: Endpoint, wanted: Sequence[tuple[AccountId, int]]) -> list[WalletFact]:
    """Whether each account is a contract at a block, or of somebody who holds its key.

    Raises: EndpointFault.
    """
    calls = [Call("eth_getCode", (address_of(account), hex(block))) for account, block in wanted]
    answers = await _at_blocks(endpoint, calls)
    return [
        WalletFact(id=account, kind=_kind(code))
        for (account, _), code in zip(wanted, answers, strict=True)
        if code is not None
    ]


def counterparties(facts: BlockFacts) -> Iterator[tuple[AccountId, bool]]:
    """Every account that moves value in a block, and whether it signed: no contract can."""
    for record in facts.records:
        if isinstance(record, Transaction):
            yield record.sender, True
            if record.recipient is not None:
                yield record.recipient, False
        elif isinstance(record, Transfer):
            if record.sender is not None:
                yield record.sender, False
            yield record.recipient, False


def is_somebody(account: str) -> bool:
    """The zero address stands for coming into being and for going; nobody is there."""
    return not account.endswith(ZERO_EVM)


async def _at_blocks(endpoint: Endpoint, calls: Sequence[Call]) -> list[str | None]:
    """The answers, None for what reverts; of the newest state where old ones are pruned."""
    if not endpoint.learnt.get(_STATE, True):
        calls = [Call(call.method, (*call.params[:-1], _LATEST)) for call in calls]
    answers: list[Any] = await endpoint.batch(calls, str)
    refusals = [answer for answer in answers if isinstance(answer, RpcError)]
    if any(refusal.limits_rate for refusal in refusals):
        raise Overloaded("It limits requests while it is asked about contracts.")
    if endpoint.learnt.get(_STATE, True) and any(map(_is_pruned, refusals)):
        endpoint.learnt[_STATE] = False
        return await _at_blocks(endpoint, calls)
    return [None if isinstance(answer, RpcError) else answer for answer in answers]


def _is_pruned(refusal: RpcError) -> bool:
    told = refusal.message.lower()
    return any(
        word in told
        for word in ("missing trie node", "pruned", "archive", "historical state", "no state")
    )


def _token(token: TokenId, answers: Sequence[str | None], chain: ChainRecords) -> Token:
    name, symbol, decimals, supply = answers
    places = _number(decimals)
    return Token(
        id=token,
        chain=chain.id,
        address=address_of(token),
        symbol=text_of(symbol or ""),
        name=text_of(name or ""),
        decimals=places if places is not None and places <= _MOST_DECIMALS else None,
        total_supply_raw=_number(supply),
    )


def _number(answer: str | None) -> int | None:
    if answer is None or words(answer) != 1:
        return None
    try:
        return word(answer, 0)
    except ValueError:
        raise Garbled(f"It writes {answer[:40]!r} where a word of 32 bytes stands.") from None


def _kind(code: str) -> WalletKind:
    has_code = len(code) > len("0x") and not code.lower().startswith(_DELEGATED)
    return WalletKind.CONTRACT if has_code else WalletKind.EOA
