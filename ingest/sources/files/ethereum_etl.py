"""The tables of ethereum-etl 2.x: its CSV and JSON files, and its BigQuery tables as Parquet.

Source: ethereum-etl, docs/schema.md, and the schemas of bigquery-public-data.crypto_ethereum.
"""

from typing import Final

from ingest.sources.files import evm_tables
from ingest.sources.files.format import FileFormat
from ingest.sources.files.tables import having

FORMATS: Final[tuple[FileFormat, ...]] = (
    FileFormat(
        name="ethereum-etl-blocks",
        about="Blocks of ethereum-etl.",
        columns="number, hash, parent_hash, timestamp",
        order=10,
        recognises=having("number hash parent_hash timestamp"),
        read=evm_tables.blocks,
    ),
    FileFormat(
        name="ethereum-etl-tokens",
        about="Token contracts of ethereum-etl.",
        columns="address, symbol, name, decimals, total_supply",
        order=20,
        recognises=having("address symbol name decimals total_supply"),
        read=evm_tables.tokens,
    ),
    FileFormat(
        name="ethereum-etl-contracts",
        about="Contracts of ethereum-etl; an ERC-20 is also a token.",
        columns="address, bytecode, is_erc20",
        order=21,
        recognises=having("address bytecode is_erc20"),
        read=evm_tables.contracts,
    ),
    FileFormat(
        name="ethereum-etl-transactions",
        about="Transactions of ethereum-etl, with receipt_ columns where they are joined; wei.",
        columns="hash, nonce, from_address, to_address, value, input, block_timestamp, …",
        order=30,
        recognises=having("hash nonce from_address to_address value"),
        read=evm_tables.transactions,
    ),
    FileFormat(
        name="ethereum-etl-receipts",
        about="Receipts of ethereum-etl: status, gas and price of transactions.",
        columns="transaction_hash, gas_used, cumulative_gas_used, status, contract_address, …",
        order=31,
        recognises=having("transaction_hash gas_used cumulative_gas_used contract_address"),
        read=evm_tables.receipts,
    ),
    FileFormat(
        name="ethereum-etl-logs",
        about="Logs of ethereum-etl: ERC-20 transfers, approvals, wrapped coins and swaps.",
        columns="log_index, transaction_hash, address, data, topics, block_number",
        order=40,
        recognises=having("log_index transaction_hash address data topics"),
        read=evm_tables.log_events,
    ),
    FileFormat(
        name="ethereum-etl-token-transfers",
        about="Transfer events as ethereum-etl decodes them, in base units. It does not tell "
        "ERC-721 from ERC-20: prefer logs where there are any.",
        columns="token_address, from_address, to_address, value, transaction_hash, log_index",
        order=41,
        recognises=having("token_address from_address to_address value transaction_hash log_index"),
        read=evm_tables.token_transfers,
    ),
    FileFormat(
        name="ethereum-etl-token-approvals",
        about="Approval events as ethereum-etl decodes them, in base units.",
        columns="token_address, owner_address, spender_address, value, transaction_hash, log_index",
        order=42,
        recognises=having("token_address owner_address spender_address value transaction_hash"),
        read=evm_tables.token_approvals,
    ),
    FileFormat(
        name="ethereum-etl-traces",
        about="Traces of ethereum-etl: internal transfers, block rewards, created contracts.",
        columns="trace_type, call_type, trace_address, from_address, to_address, value, status, …",
        order=43,
        recognises=having("trace_type call_type trace_address from_address to_address value"),
        read=evm_tables.trace_moves,
    ),
)
