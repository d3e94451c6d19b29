"""EVM files as they are in the world: exact counts and sums, told by a second way of reading."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph_api.domain.chains import chain_of
from graph_api.domain.records import Record, Reject, Swap, Token, Transaction, Transfer
from ingest.sources.files import evm_tables
from ingest.sources.files.format import Dataset, Entry, Options
from ingest.sources.files.formats import find
from ingest.sources.files.transfer_tables import transfers, unit_transfers
from tests.ingest.sources.tables import ETHEREUM, Reader, records

FOLDER = os.environ.get("DESKGRAPH_DATA")
DATA = Path(FOLDER or ".")
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="DESKGRAPH_DATA names no folder of real data; these tests read it"
)
ETL = "evm_rpc/ethereum_etl"


def kinds(found: list[Record | Reject]) -> dict[str, int]:
    return dict(Counter(type(record).__name__ for record in found))


def moved(found: list[Record | Reject]) -> list[Transfer]:
    return [record for record in found if isinstance(record, Transfer)]


def test_transactions_of_2017() -> None:
    found = records(evm_tables.transactions, DATA / "eth_tx_2017/transactions_a.csv.gz")

    transactions = [record for record in found if isinstance(record, Transaction)]
    assert len(found) == len(transactions) == len({record.id for record in transactions}) == 11_992
    assert sum(record.value_raw for record in transactions) == 3_125_396_836_291_199_173_572_634
    assert sum(record.creates for record in transactions) == 7
    assert sum(record.method_id is not None for record in transactions) == 1_452
    assert {record.block_number for record in transactions} >= {3_300_000, 3_301_096}
    first = transactions[0]
    assert (first.block_time, first.value_raw) == (1_488_769_200_000, 999_097_000_000_000_000)


def test_token_transfers_in_whole_tokens() -> None:
    found = records(unit_transfers, DATA / "eth_tx_2017/token_transfers_14669683.csv")

    sums: Counter[str] = Counter()
    for record in moved(found):
        assert record.token is not None
        assert record.amount_raw is not None
        sums[record.token] += record.amount_raw
    assert kinds(found) == {"Token": 3, "Transfer": 99}
    assert sums == {
        "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7": 5_307_337_103_774,
        "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": 485_019_545_310,
        "eip155:1/erc20:0xa47c8bf37f92abed4a126bda807a7b7498661acd": 37756_5442328 * 10**11,
    }
    assert {token.decimals for token in found if isinstance(token, Token)} == {6, 18}


def test_graphsense_blocks_and_transactions() -> None:
    blocks = records(evm_tables.blocks, DATA / "graphsense_eth/blocks.csv.gz")
    transactions = records(evm_tables.transactions, DATA / "graphsense_eth/transactions.csv.gz")

    assert kinds(blocks) == {"Block": 89}
    assert kinds(transactions) == {"Transaction": 332}
    assert (
        sum(record.value_raw for record in transactions if isinstance(record, Transaction))
        == 1_765_944_828_826_443_756_735
    )


def test_graphsense_traces_agree_with_its_transactions() -> None:
    found = records(evm_tables.trace_moves, DATA / "graphsense_eth/traces.csv.gz")
    transactions = {
        record.id: record
        for record in records(evm_tables.transactions, DATA / "graphsense_eth/transactions.csv.gz")
        if isinstance(record, Transaction)
    }

    count: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for record in moved(found):
        kind = record.position.partition(":")[0]
        count[kind] += 1
        sums[kind] += record.amount_raw or 0
    assert kinds(found) == {"Transfer": 962, "WalletFact": 3}
    assert count == {"trace": 441, "native": 426, "reward": 90, "genesis": 5}
    assert sums == {
        "native": 17_186_393_062_374_604_744_950,
        "genesis": 4_706_227_000_000_000_000_000,
        "reward": 433_906_250_000_000_000_000,
        "trace": 308_181_824_114_379_519_136,
    }
    both = [record for record in moved(found) if record.transaction in transactions]
    native = {record.transaction: record for record in both if record.position == "native"}
    assert len(native) == 66
    for name, record in native.items():
        assert name is not None
        transaction = transactions[name]
        assert (transaction.sender, transaction.recipient, transaction.value_raw) == (
            record.sender,
            record.recipient,
            record.amount_raw,
        )


def test_graphsense_logs() -> None:
    found = records(evm_tables.log_events, DATA / "graphsense_eth/logs.json.gz")

    wrapped = [
        record
        for record in moved(found)
        if record.token == "eip155:1/erc20:0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
        and "0x" + "0" * 40 in (record.sender or "") + record.recipient
    ]
    tether = [
        record.amount_raw or 0
        for record in moved(found)
        if record.token == "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
    ]
    assert kinds(found) == {"Transfer": 715 + 54 + 44, "Approval": 154, "Swap": 74 + 49}
    assert len(wrapped) == 54 + 44
    assert (len(tether), sum(tether)) == (143, 6_285_321_194_351)


def test_every_swap_is_matched_by_transfers_of_its_pool() -> None:
    found = records(evm_tables.log_events, DATA / "graphsense_eth/logs.json.gz")
    swaps = [record for record in found if isinstance(record, Swap)]
    paid = {(record.transaction, record.sender, record.amount_raw) for record in moved(found)}

    for swap in swaps:
        assert min(swap.amount0_raw, swap.amount1_raw) < 0 < max(swap.amount0_raw, swap.amount1_raw)
        if swap.protocol == "uniswap_v3":
            out = -min(swap.amount0_raw, swap.amount1_raw)
            assert (swap.transaction, swap.pool, out) in paid


@pytest.mark.parametrize(
    ("read", "file", "expected"),
    [
        (
            evm_tables.blocks,
            "test_stream/blocks_1755634_1755635/expected_blocks.json",
            {"Block": 2},
        ),
        (
            evm_tables.transactions,
            "test_stream/blocks_1755634_1755635/expected_transactions.json",
            {"Transaction": 2},
        ),
        (
            evm_tables.receipts,
            "test_export_receipts_job/receipts_with_logs/expected_receipts.csv",
            {"Receipt": 4},
        ),
        (
            evm_tables.trace_moves,
            "test_export_traces_job/block_with_subtraces/expected_traces.csv",
            {"Transfer": 3},
        ),
        (
            evm_tables.trace_moves,
            "test_export_traces_job/block_with_error/expected_traces.csv",
            {"Transfer": 2},
        ),
        (
            evm_tables.trace_moves,
            "test_export_traces_job/block_with_suicide/expected_traces.csv",
            {"Transfer": 2},
        ),
        (
            evm_tables.trace_moves,
            "test_stream/blocks_508110_508110/expected_traces.json",
            {"Transfer": 3, "WalletFact": 1},
        ),
        (
            evm_tables.contracts,
            "test_stream/blocks_2112234_2112234/expected_contracts.json",
            {"WalletFact": 1, "Token": 1},
        ),
        (
            evm_tables.tokens,
            "test_stream/blocks_2112234_2112234/expected_tokens.json",
            {"Token": 1},
        ),
    ],
)
def test_what_ethereum_etl_itself_writes(read: Reader, file: str, expected: dict[str, int]) -> None:
    assert kinds(records(read, DATA / ETL / file)) == expected


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        (
            "test_extract_token_transfers_job/logs/logs.csv",
            "test_extract_token_transfers_job/logs/expected_token_transfers.csv",
        ),
        (
            "test_export_receipts_job/receipts_with_logs/expected_logs.json",
            "test_export_token_transfers_job/block_with_transfers/expected_token_transfers.csv",
        ),
        (
            "test_stream/blocks_1755634_1755635/expected_logs.json",
            "test_stream/blocks_1755634_1755635/expected_token_transfers.json",
        ),
    ],
)
def test_our_decoding_of_logs_is_that_of_ethereum_etl(raw: str, decoded: str) -> None:
    assert moved(records(evm_tables.log_events, DATA / ETL / raw)) == moved(
        records(evm_tables.token_transfers, DATA / ETL / decoded)
    )


def hop(options: Options) -> Iterator[Entry]:
    path = DATA / "hop_transfers/transfers.parquet"
    return transfers(Dataset(name="hop", paths=(path,)), options)


def test_hop_transfers_of_two_chains() -> None:
    count: Counter[tuple[str, str | None]] = Counter()
    for number, (row, record) in enumerate(hop(Options(dataset="hop")), 1):
        assert isinstance(record, Transfer)
        assert (row, record.id) == (number, f"file:hop:{number}")
        count[record.chain, record.token] += 1

    assert sum(count.values()) == 1_157_705
    assert count == {
        ("eip155:137", None): 797_414,
        ("eip155:100", None): 70_483,
        ("eip155:100", "eip155:100/slip44:700"): 289_808,
    }


def test_hop_transfers_of_one_chain_leave_the_other_out() -> None:
    found = hop(Options(chains=(chain_of("gnosis"),), dataset="hop"))

    assert Counter(type(record) for _, record in found) == {
        Transfer: 70_483 + 289_808,
        Reject: 797_414,
    }


def test_folders_of_real_files_are_recognised() -> None:
    folders = [DATA / name for name in ("eth_tx_2017", "graphsense_eth", "hop_transfers")]

    found = find(folders, ETHEREUM)

    assert [part.format.name for part in found.parts] == [
        "graphsense-blocks",
        "ethereum-etl-transactions",
        "graphsense-transactions",
        "graphsense-logs",
        "graphsense-traces",
        "token-transfers-in-units",
        "transfers",
        "labels",
    ]
    assert sum("exchange rates" in sentence for sentence in found.left_out) == 1
