"""What a log says: ERC-20 transfers and approvals, coins wrapped and unwrapped, swaps of pools,
and what issuers do to wallets.

Sources: EIP-20; the events of Uniswap's V2 pair and V3 pool and of PancakeSwap's V3 pool; WETH9;
the code of Tether's, Circle's and Paxos's tokens.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from graph_api.domain.addresses import ZERO_EVM
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import TransactionId
from graph_api.domain.positions import transfer_id
from graph_api.domain.records import Approval, Freeze, FreezeKind, Swap, Transfer
from ingest.sources.chain_records import BlockPlace, ChainRecords
from ingest.sources.evm.answers import LogAnswer
from ingest.sources.evm.words import address, signed, unsigned, word, words

# keccak-256 of the signature that stands beside each.
TRANSFER: Final = (  # Transfer(address,address,uint256)
    "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
)
APPROVAL: Final = (  # Approval(address,address,uint256)
    "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
)
DEPOSIT: Final = (  # Deposit(address,uint256)
    "0xe1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c"
)
WITHDRAWAL: Final = (  # Withdrawal(address,uint256)
    "0x7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"
)
SWAP_V2: Final = (  # Swap(address,uint256,uint256,uint256,uint256,address)
    "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822"
)
SWAP_V3: Final = (  # Swap(address,address,int256,int256,uint160,uint128,int24)
    "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
)
#: As Uniswap's, and the protocol's fees of both tokens (two uint128) behind it.
SWAP_PANCAKE_V3: Final = "0x19b47279256b2a23a1665c810c8d55a1758940ee09377d4f8d26497a3577dc83"

ADDED_BLACK_LIST: Final = (  # AddedBlackList(address): Tether's first contract
    "0x42e160154868087d6bfdc0ca23d96a1c1cfa32f1b72ba9ba27b69b98a0d819dc"
)
REMOVED_BLACK_LIST: Final = (  # RemovedBlackList(address)
    "0xd7e9ec6e6ecd65492dce6bf513cd6867560d49544421d0783ddf06e76c24470c"
)
DESTROYED_BLACK_FUNDS: Final = (  # DestroyedBlackFunds(address,uint256), without a Transfer
    "0x61e6e66b0d6339b2980aecc6ccc0039736791f0ccde9ed512e789a7fbdd698c6"
)
BLOCK_PLACED: Final = (  # BlockPlaced(address): Tether's later contracts
    "0x406bbf2d8d145125adf1198d2cf8a67c66cc4bb0ab01c37dccd4f7c0aae1e7c7"
)
BLOCK_RELEASED: Final = (  # BlockReleased(address)
    "0x665918c9e02eb2fd85acca3969cb054fc84c138e60ec4af22ab6ef2fd4c93c27"
)
DESTROYED_BLOCKED_FUNDS: Final = (  # DestroyedBlockedFunds(address,uint256)
    "0x6a2859ae7902313752498feb80a014e6e7275fe964c79aa965db815db1c7f1e9"
)
BLACKLISTED: Final = (  # Blacklisted(address): Circle
    "0xffa4e6181777692565cf28528fc88fd1516ea86b56da075235fa575af6a4b855"
)
UN_BLACKLISTED: Final = (  # UnBlacklisted(address)
    "0x117e3210bb9aa7d9baff172026820255c6f6c30ba8999d1c2fd88e2848137c4e"
)
ADDRESS_FROZEN: Final = (  # AddressFrozen(address): Paxos's first contracts
    "0x90811a8edd3b3c17eeaefffc17f639cc69145d41a359c9843994dc2538203690"
)
ADDRESS_UNFROZEN: Final = (  # AddressUnfrozen(address)
    "0xc3776b472ebf54114339eec9e4dc924e7ce307a97f5c1ee72b6d474e6e5e8b7c"
)
FREEZE_ADDRESS: Final = (  # FreezeAddress(address): Paxos's later contracts
    "0x1aa660498c83ea285bc55e4cfc00afcaa7120798db87b74f3c0d7c6e001bc392"
)
UNFREEZE_ADDRESS: Final = (  # UnfreezeAddress(address)
    "0x150465b020dfc06a59269da94ed66db9b65a516cf4fdd5f583b0f12752339bbe"
)
FROZEN_ADDRESS_WIPED: Final = (  # FrozenAddressWiped(address); a Transfer tells how much
    "0xfc5960f1c5a5d2b60f031bf534af053b1bf7d9881989afaeb8b1d164db23aede"
)

#: Wrapped coins that tell of wrapping by Deposit and Withdrawal alone (the code of WETH9).
#: Others that emit these events also emit Transfer, or mean shares of a vault by them: only these
#: are read as coins that come into being and go. Arbitrum's WETH emits Transfer and is not here.
WRAPPED: Final = {
    "eip155:1": "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
    "eip155:10": "0x4200000000000000000000000000000000000006",
    "eip155:56": "0xbb4cdb9cbd36b01bd1cbaebf2de08d9173bc095c",
    "eip155:100": "0xe91d153e0b41518a2ce8dd3d7944fa863463a97d",
    "eip155:137": "0x0d500b1d8e8ef31e21c99d1db9a6444d3adf1270",
    "eip155:8453": "0x4200000000000000000000000000000000000006",
}


#: Characters of data that hold one word.
_ONE_WORD: Final = 66


class Log(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One log: ``index`` counts within the block, topics and data are 0x hex of whole words."""

    transaction: TransactionId
    index: int
    address: str
    topics: list[str]
    data: str
    block_number: int | None = None
    block_time: int | None = None


Event = Transfer | Approval | Swap | Freeze


def is_read(topics: list[str]) -> bool:
    """Whether a log of these topics may hold an event of ours: cheap, for most do not."""
    return bool(topics) and (topics[0] in _READERS or topics[0].lower() in _READERS)


def decode(log: Log, chain: ChainRecords) -> Event | None:
    """The event in ``log``, None for all others. Raises: BadInput on an emitter of no address."""
    if not log.topics:
        return None
    read = _READERS.get(log.topics[0]) or _READERS.get(log.topics[0].lower())
    return read(log, chain) if read is not None else None


def plain_transfer(log: LogAnswer, place: BlockPlace, chain: ChainRecords) -> Transfer | None:
    """The transfer in ``log`` by the short way that nearly all of them can go; None for whatever
    ``decode`` has to look at.
    """
    topics, data = log.topics, log.data
    if len(topics) != 3 or topics[0] != TRANSFER or len(data) != _ONE_WORD:
        return None
    sender, recipient = address(topics[1]), address(topics[2])
    if sender is None or recipient is None:
        return None
    try:
        return chain.logged(
            unsigned(log.log_index),
            place,
            transaction=chain.transaction(log.transaction_hash),
            sender=chain.account(sender),
            recipient=chain.account(recipient),
            token=chain.token(log.address),
            amount_raw=unsigned(data),
        )
    except (BadInput, ValueError):
        return None


def why_unread(log: Log) -> str | None:
    """Why an event that is signed like an ERC-20 transfer or approval holds none; None where it
    plainly is something else: an NFT, whose third value is indexed too.
    """
    if log.topics[0].lower() not in (TRANSFER, APPROVAL) or len(log.topics) == 4:
        return None
    name = "transfer" if log.topics[0].lower() == TRANSFER else "approval"
    if len(log.topics) != 3:
        return f"The {name} indexes {len(log.topics) - 1} values, and an ERC-20 indexes two."
    if (count := words(log.data)) != 1:
        held = f"{count} words" if count >= 0 else "no whole words"
        return f"The {name} has {held} of data, and an amount is one."
    return f"The {name} names an account that is wider than an address."


def _transfer(log: Log, chain: ChainRecords) -> Event | None:
    # ERC-721 signs its events alike but indexes the third value too (four topics), or none (one
    # topic): its token id would pass for an amount.
    if len(log.topics) != 3 or words(log.data) != 1:
        return None
    return _moved(log, chain, sender=address(log.topics[1]), recipient=address(log.topics[2]))


def _deposit(log: Log, chain: ChainRecords) -> Event | None:
    if not _wraps(log, chain):
        return None
    return _moved(log, chain, sender=ZERO_EVM, recipient=address(log.topics[1]))


def _withdrawal(log: Log, chain: ChainRecords) -> Event | None:
    if not _wraps(log, chain):
        return None
    return _moved(log, chain, sender=address(log.topics[1]), recipient=ZERO_EVM)


def _wraps(log: Log, chain: ChainRecords) -> bool:
    is_wrapped_coin = log.address.lower() == WRAPPED.get(chain.id)
    return is_wrapped_coin and len(log.topics) == 2 and words(log.data) == 1


def _moved(
    log: Log, chain: ChainRecords, *, sender: str | None, recipient: str | None
) -> Event | None:
    if sender is None or recipient is None:
        return None
    return chain.logged(
        log.index,
        BlockPlace.of(log.block_number, log.block_time),
        transaction=log.transaction,
        sender=chain.account(sender),
        recipient=chain.account(recipient),
        token=chain.token(log.address),
        amount_raw=word(log.data, 0),
    )


def _approval(log: Log, chain: ChainRecords) -> Event | None:
    if len(log.topics) != 3 or words(log.data) != 1:
        return None
    owner, spender = address(log.topics[1]), address(log.topics[2])
    if owner is None or spender is None:
        return None
    return Approval(
        id=transfer_id(log.transaction, f"log:{log.index}"),
        chain=chain.id,
        transaction=log.transaction,
        token=chain.token(log.address),
        owner=chain.account(owner),
        spender=chain.account(spender),
        amount_raw=word(log.data, 0),
        block_number=log.block_number,
        block_time=log.block_time,
    )


def _swap_v2(log: Log, chain: ChainRecords) -> Event | None:
    if words(log.data) != 4:
        return None
    in0, in1, out0, out1 = (word(log.data, index) for index in range(4))
    return _swap(log, chain, protocol="uniswap_v2", amounts=(in0 - out0, in1 - out1))


def _swap_v3(log: Log, chain: ChainRecords) -> Event | None:
    if words(log.data) != 5:
        return None
    amounts = signed(log.data, 0), signed(log.data, 1)
    return _swap(log, chain, protocol="uniswap_v3", amounts=amounts)


def _swap_pancake_v3(log: Log, chain: ChainRecords) -> Event | None:
    if words(log.data) != 7:
        return None
    amounts = signed(log.data, 0), signed(log.data, 1)
    return _swap(log, chain, protocol="pancakeswap_v3", amounts=amounts)


def _swap(
    log: Log, chain: ChainRecords, *, protocol: str, amounts: tuple[int, int]
) -> Event | None:
    if len(log.topics) != 3:
        return None
    sender, recipient = address(log.topics[1]), address(log.topics[2])
    if sender is None or recipient is None:
        return None
    return Swap(
        id=transfer_id(log.transaction, f"log:{log.index}"),
        chain=chain.id,
        transaction=log.transaction,
        protocol=protocol,
        pool=chain.account(log.address),
        sender=chain.account(sender),
        recipient=chain.account(recipient),
        amount0_raw=amounts[0],
        amount1_raw=amounts[1],
        block_number=log.block_number,
        block_time=log.block_time,
    )


def _act(log: Log, chain: ChainRecords) -> Event | None:
    """What an issuer did: contracts index the account, or write it before all else."""
    issuance = chain.issuances.get(chain.token(log.address))
    if issuance is None or log.block_number is None or log.block_time is None:
        return None
    told = [*log.topics[1:], *(_word_text(log.data, index) for index in range(words(log.data)))]
    account = address(told[0]) if told else None
    if account is None:
        return None
    topic = log.topics[0].lower()
    return Freeze(
        id=transfer_id(log.transaction, f"log:{log.index}"),
        chain=chain.id,
        transaction=log.transaction,
        position=f"log:{log.index}",
        kind=_ACTS[topic],
        token=chain.token(log.address),
        wallet=chain.account(account),
        issuer=issuance.issuer,
        symbol=issuance.symbol,
        amount_raw=int(told[1], 16) if len(told) > 1 else None,
        untold=topic == DESTROYED_BLACK_FUNDS,
        block_number=log.block_number,
        block_time=log.block_time,
    )


def _word_text(data: str, index: int) -> str:
    return f"0x{word(data, index):064x}"


_ACTS: Final = {
    ADDED_BLACK_LIST: FreezeKind.FROZEN,
    REMOVED_BLACK_LIST: FreezeKind.FREED,
    DESTROYED_BLACK_FUNDS: FreezeKind.SEIZED,
    BLOCK_PLACED: FreezeKind.FROZEN,
    BLOCK_RELEASED: FreezeKind.FREED,
    DESTROYED_BLOCKED_FUNDS: FreezeKind.SEIZED,
    BLACKLISTED: FreezeKind.FROZEN,
    UN_BLACKLISTED: FreezeKind.FREED,
    ADDRESS_FROZEN: FreezeKind.FROZEN,
    ADDRESS_UNFROZEN: FreezeKind.FREED,
    FREEZE_ADDRESS: FreezeKind.FROZEN,
    UNFREEZE_ADDRESS: FreezeKind.FREED,
    FROZEN_ADDRESS_WIPED: FreezeKind.SEIZED,
}


_READERS: Final[dict[str, Callable[[Log, ChainRecords], Event | None]]] = {
    TRANSFER: _transfer,
    APPROVAL: _approval,
    DEPOSIT: _deposit,
    WITHDRAWAL: _withdrawal,
    SWAP_V2: _swap_v2,
    SWAP_V3: _swap_v3,
    SWAP_PANCAKE_V3: _swap_pancake_v3,
    **dict.fromkeys(_ACTS, _act),
}
