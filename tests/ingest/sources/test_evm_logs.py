"""What logs are read as, and which are not."""

import msgspec
import pytest
from eth_utils.crypto import keccak

from graph_api.domain.chains import chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import transaction_id
from graph_api.domain.positions import order_key
from graph_api.domain.records import Approval, Freeze, FreezeKind, Swap, Transfer
from ingest.sources.chain_records import BlockPlace, ChainRecords
from ingest.sources.evm import logs
from ingest.sources.evm.answers import LogAnswer
from ingest.sources.evm.blocks import events
from ingest.sources.evm.known_tokens import known_decimals
from ingest.sources.evm.words import checked_data, topics_of
from tests.ingest.sources.tables import ALICE, BOB, CAROL, HASH, TOKEN, account

ETHEREUM = ChainRecords(chain_of("ethereum"), decimals=known_decimals())
WETH = logs.WRAPPED["eip155:1"]
ZERO = "0x" + "0" * 40
USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"


def word(value: int | str) -> str:
    """32 bytes of a number or an address, without 0x."""
    if isinstance(value, str):
        return value[2:].rjust(64, "0")
    return f"{value % 2**256:064x}"


def log(*topics: str, data: tuple[int | str, ...] = (), address: str = TOKEN) -> logs.Log:
    return logs.Log(
        transaction=transaction_id(ETHEREUM.chain, HASH),
        index=7,
        address=address,
        topics=[topics[0], *("0x" + word(topic) for topic in topics[1:])],
        data="0x" + "".join(map(word, data)),
        block_number=15_000_000,
        block_time=1_655_778_535_000,
    )


@pytest.mark.parametrize(
    ("topic", "signature"),
    [
        (logs.TRANSFER, "Transfer(address,address,uint256)"),
        (logs.APPROVAL, "Approval(address,address,uint256)"),
        (logs.DEPOSIT, "Deposit(address,uint256)"),
        (logs.WITHDRAWAL, "Withdrawal(address,uint256)"),
        (logs.SWAP_V2, "Swap(address,uint256,uint256,uint256,uint256,address)"),
        (logs.SWAP_V3, "Swap(address,address,int256,int256,uint160,uint128,int24)"),
        (
            logs.SWAP_PANCAKE_V3,
            "Swap(address,address,int256,int256,uint160,uint128,int24,uint128,uint128)",
        ),
        (logs.ADDED_BLACK_LIST, "AddedBlackList(address)"),
        (logs.REMOVED_BLACK_LIST, "RemovedBlackList(address)"),
        (logs.DESTROYED_BLACK_FUNDS, "DestroyedBlackFunds(address,uint256)"),
        (logs.BLOCK_PLACED, "BlockPlaced(address)"),
        (logs.BLOCK_RELEASED, "BlockReleased(address)"),
        (logs.DESTROYED_BLOCKED_FUNDS, "DestroyedBlockedFunds(address,uint256)"),
        (logs.BLACKLISTED, "Blacklisted(address)"),
        (logs.UN_BLACKLISTED, "UnBlacklisted(address)"),
        (logs.ADDRESS_FROZEN, "AddressFrozen(address)"),
        (logs.ADDRESS_UNFROZEN, "AddressUnfrozen(address)"),
        (logs.FREEZE_ADDRESS, "FreezeAddress(address)"),
        (logs.UNFREEZE_ADDRESS, "UnfreezeAddress(address)"),
        (logs.FROZEN_ADDRESS_WIPED, "FrozenAddressWiped(address)"),
    ],
)
def test_topics_are_the_hashes_of_their_signatures(topic: str, signature: str) -> None:
    assert topic == "0x" + keccak(text=signature).hex()


def test_an_erc_20_transfer_is_read_exactly_beyond_64_bits() -> None:
    event = logs.decode(log(logs.TRANSFER, ALICE, BOB, data=(2**256 - 1,)), ETHEREUM)

    assert isinstance(event, Transfer)
    assert event.id == f"eip155:1:{HASH}:log:7"
    assert (event.sender, event.recipient) == (account(ALICE), account(BOB))
    assert (event.token, event.amount_raw) == (f"eip155:1/erc20:{TOKEN}", 2**256 - 1)
    assert (event.block_number, event.block_time) == (15_000_000, 1_655_778_535_000)
    assert event.amount is None


def test_a_known_token_has_whole_units_too() -> None:
    tether = "0xdac17f958d2ee523a2206206994597c13d831ec7"

    event = logs.decode(
        log(logs.TRANSFER, ALICE, BOB, data=(18_670_000,), address=tether), ETHEREUM
    )

    assert isinstance(event, Transfer)
    assert event.amount == 18.67


@pytest.mark.parametrize(
    "other",
    [
        log(logs.TRANSFER, ALICE, BOB, CAROL),  # ERC-721: the token's number is a topic
        log(logs.TRANSFER, data=(ALICE, BOB, 4711)),  # ERC-721 before the standard
        log(logs.TRANSFER, ALICE, BOB),
        log(logs.TRANSFER, ALICE, BOB, data=(1, 2)),
        log(logs.TRANSFER, "0x" + "f" * 64, BOB, data=(1,)),  # no address
        log(logs.APPROVAL, ALICE, BOB, CAROL),
        log(logs.SWAP_V2, ALICE, BOB, data=(1, 2, 3)),
        log(logs.SWAP_V3, ALICE, BOB, data=(1, 2, 3, 4)),
        log(logs.SWAP_V3, ALICE, data=(1, 2, 3, 4, 5)),
        log(logs.DEPOSIT, ALICE, data=(5,)),  # a vault, not a wrapped coin
        log(logs.DEPOSIT, data=(ALICE, 5), address=WETH),
        log("0x" + "12" * 32, ALICE, BOB, data=(1,)),
    ],
)
def test_what_only_looks_like_value_is_not_read(other: logs.Log) -> None:
    assert logs.decode(other, ETHEREUM) is None


def test_a_log_without_topics_says_nothing() -> None:
    anonymous = logs.Log(
        transaction=transaction_id(ETHEREUM.chain, HASH),
        index=0,
        address=TOKEN,
        topics=[],
        data="0x",
    )

    assert logs.decode(anonymous, ETHEREUM) is None


def test_an_approval_says_who_may_move_how_much() -> None:
    event = logs.decode(log(logs.APPROVAL, ALICE, BOB, data=(2**256 - 1,)), ETHEREUM)

    assert isinstance(event, Approval)
    assert (event.owner, event.spender) == (account(ALICE), account(BOB))
    assert event.amount_raw == 2**256 - 1


def test_wrapping_makes_coins_and_unwrapping_ends_them() -> None:
    deposit = logs.decode(log(logs.DEPOSIT, ALICE, data=(5,), address=WETH), ETHEREUM)
    withdrawal = logs.decode(log(logs.WITHDRAWAL, ALICE, data=(3,), address=WETH), ETHEREUM)

    assert isinstance(deposit, Transfer)
    assert isinstance(withdrawal, Transfer)
    assert (deposit.sender, deposit.recipient) == (account(ZERO), account(ALICE))
    assert (withdrawal.sender, withdrawal.recipient) == (account(ALICE), account(ZERO))
    assert (deposit.amount_raw, withdrawal.amount_raw) == (5, 3)


@pytest.mark.parametrize(
    ("told", "kind", "amount", "untold"),
    [
        (log(logs.ADDED_BLACK_LIST, data=(BOB,), address=USDT), FreezeKind.FROZEN, None, False),
        (log(logs.REMOVED_BLACK_LIST, data=(BOB,), address=USDT), FreezeKind.FREED, None, False),
        (
            log(logs.DESTROYED_BLACK_FUNDS, data=(BOB, 2**200), address=USDT),
            FreezeKind.SEIZED,
            2**200,
            True,
        ),
        (
            log(logs.DESTROYED_BLOCKED_FUNDS, BOB, data=(5,), address=USDT),
            FreezeKind.SEIZED,
            5,
            False,
        ),
        (log(logs.BLACKLISTED, BOB, address=USDT), FreezeKind.FROZEN, None, False),
        (
            log(logs.BLACKLISTED.upper().replace("0X", "0x"), BOB, address=USDT.upper()),
            FreezeKind.FROZEN,
            None,
            False,
        ),
        (log(logs.UN_BLACKLISTED, BOB, address=USDT), FreezeKind.FREED, None, False),
    ],
)
def test_an_act_of_an_issuer_names_the_wallet_indexed_or_not(
    told: logs.Log, kind: FreezeKind, amount: int | None, untold: bool
) -> None:
    act = logs.decode(told, ETHEREUM)

    assert isinstance(act, Freeze)
    assert act.id == f"eip155:1:{HASH}:log:7"
    assert (act.kind, act.wallet, act.amount_raw) == (kind, account(BOB), amount)
    assert (act.issuer, act.symbol, act.untold) == ("Tether", "USDT", untold)


@pytest.mark.parametrize(
    "other",
    [
        log(logs.ADDED_BLACK_LIST, data=(BOB,)),  # of a token whose issuer nobody vouches for
        log(logs.ADDED_BLACK_LIST, address=USDT),
        log(logs.ADDED_BLACK_LIST, data=("0x" + "f" * 64,), address=USDT),
        log(logs.BLACKLISTED, "0x" + "f" * 64, address=USDT),
        msgspec.structs.replace(log(logs.BLACKLISTED, BOB, address=USDT), block_time=None),
    ],
)
def test_what_only_looks_like_an_act_of_an_issuer_is_not_read(other: logs.Log) -> None:
    assert logs.decode(other, ETHEREUM) is None


def test_a_v2_swap_nets_what_the_pool_took_and_paid() -> None:
    event = logs.decode(log(logs.SWAP_V2, ALICE, BOB, data=(100, 0, 1, 250)), ETHEREUM)

    assert isinstance(event, Swap)
    assert (event.protocol, event.pool) == ("uniswap_v2", account(TOKEN))
    assert (event.sender, event.recipient) == (account(ALICE), account(BOB))
    assert (event.amount0_raw, event.amount1_raw) == (99, -250)


@pytest.mark.parametrize(
    ("topic", "more", "protocol"),
    [
        (logs.SWAP_V3, (2**96, 10, -887_272), "uniswap_v3"),
        (logs.SWAP_PANCAKE_V3, (2**96, 10, -887_272, 1, 2), "pancakeswap_v3"),
    ],
)
def test_a_v3_swap_has_signed_amounts(topic: str, more: tuple[int, ...], protocol: str) -> None:
    event = logs.decode(log(topic, ALICE, BOB, data=(-(2**200), 5, *more)), ETHEREUM)

    assert isinstance(event, Swap)
    assert (event.protocol, event.amount0_raw, event.amount1_raw) == (protocol, -(2**200), 5)


@pytest.mark.parametrize(
    "cell",
    [
        f"{logs.TRANSFER},{HASH}",
        f"['{logs.TRANSFER}', '{HASH}']",
        f"{logs.TRANSFER} {HASH}",
        [logs.TRANSFER, HASH],
    ],
)
def test_topics_are_read_from_lists_and_from_text(cell: str | list[str]) -> None:
    assert topics_of(cell) == [logs.TRANSFER, HASH]
    assert topics_of("") == topics_of([]) == []


def test_damaged_words_are_refused() -> None:
    with pytest.raises(BadInput, match="no word of 32 bytes"):
        topics_of("0x1234")
    for data in ("0x123", "1234", "0xzz"):
        with pytest.raises(BadInput, match="no hex"):
            checked_data(data)


SHORT = (logs.TRANSFER, "0x" + word(ALICE), "0x" + word(BOB))


def answer(topics: tuple[str, ...], data: str, address: str = TOKEN) -> LogAnswer:
    return LogAnswer(
        address=address,
        topics=list(topics),
        data=data,
        log_index="0x7",
        transaction_hash=HASH,
        block_hash=HASH,
        block_number=hex(15_000_000),
    )


@pytest.mark.parametrize("amount", [0, 1, 2**256 - 1])
def test_the_short_way_reads_a_transfer_as_the_long_one_does(amount: int) -> None:
    place = BlockPlace.of(15_000_000, 1_655_778_535_000)

    short = logs.plain_transfer(answer(SHORT, f"0x{amount:064x}"), place, ETHEREUM)
    long = logs.decode(log(logs.TRANSFER, ALICE, BOB, data=(amount,)), ETHEREUM)

    assert short == long
    assert isinstance(short, Transfer)
    assert short.order == order_key(short.id, block_number=15_000_000, position="log:7")


@pytest.mark.parametrize(
    ("topics", "data", "address"),
    [
        (SHORT[:2], f"0x{1:064x}", TOKEN),
        ((*SHORT, "0x" + word(1)), f"0x{1:064x}", TOKEN),
        ((logs.APPROVAL, *SHORT[1:]), f"0x{1:064x}", TOKEN),
        ((*SHORT[:2], "0x1" + word(BOB)[1:]), f"0x{1:064x}", TOKEN),
        ((*SHORT[:2], "0x" + word(BOB)[:-1] + "g"), f"0x{1:064x}", TOKEN),
        (SHORT, "0x", TOKEN),
        (SHORT, "0x-" + f"{1:063x}", TOKEN),
        (SHORT, "0x" + "z" * 64, TOKEN),
        (SHORT, f"0x{1:064x}", "0x1234"),
    ],
)
def test_the_short_way_leaves_what_is_no_plain_transfer(
    topics: tuple[str, ...], data: str, address: str
) -> None:
    sent = answer(topics, data, address)

    assert logs.plain_transfer(sent, BlockPlace.of(1, None), ETHEREUM) is None
    found = [*events(iter([sent]), ETHEREUM, block_time=None)]
    assert not any(isinstance(one, Transfer) for one in found)
