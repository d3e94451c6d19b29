"""What GraphSense's Spark transformation reads: blocks, transactions, traces, logs, and rates.

Its genesis allocations and block rewards have no transaction and are named by their block.
Source: graphsense-spark, the raw Ethereum keyspace.
"""

from collections.abc import Iterator
from typing import Final

from ingest.sources.files import evm_tables
from ingest.sources.files.format import Dataset, Entry, FileFormat, Options
from ingest.sources.files.inputs import NothingToLoad
from ingest.sources.files.tables import having


def exchange_rates(dataset: Dataset, options: Options) -> Iterator[Entry]:
    """Raises: NothingToLoad. A graph of transfers has no place for rates."""
    raise NothingToLoad(f"{dataset.paths[0]} holds exchange rates; prices are not read from files.")


EXCHANGE_RATES: Final = FileFormat(
    name="graphsense-exchange-rates",
    about="Daily rates of GraphSense; recognised and left out.",
    columns="date, fiatValues",
    order=90,
    recognises=having("date fiatvalues"),
    read=exchange_rates,
)
FORMATS: Final[tuple[FileFormat, ...]] = (
    FileFormat(
        name="graphsense-blocks",
        about="Blocks of GraphSense.",
        columns="blockId, blockHash, parentHash, timestamp",
        order=10,
        recognises=having("blockid blockhash parenthash timestamp"),
        read=evm_tables.blocks,
    ),
    FileFormat(
        name="graphsense-transactions",
        about="Transactions of GraphSense; wei.",
        columns="txHash, nonce, blockId, fromAddress, toAddress, value, input, blockTimestamp, …",
        order=30,
        recognises=having("txhash nonce blockid fromaddress toaddress value"),
        read=evm_tables.transactions,
    ),
    FileFormat(
        name="graphsense-logs",
        about="Logs of GraphSense: ERC-20 transfers, approvals, wrapped coins and swaps.",
        columns="blockId, logIndex, address, topics, data, txHash",
        order=40,
        recognises=having("blockid logindex address topics data txhash"),
        read=evm_tables.log_events,
    ),
    FileFormat(
        name="graphsense-traces",
        about="Traces of GraphSense: internal transfers, rewards, genesis, created contracts.",
        columns="blockId, traceId, fromAddress, toAddress, value, status, callType, txHash",
        order=43,
        recognises=having("blockid traceid fromaddress toaddress value status calltype txhash"),
        read=evm_tables.trace_moves,
    ),
    EXCHANGE_RATES,
)
