"""Blocks as senders of webhooks tell them: Moralis and Alchemy, in the shape of their bodies."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from graph_api.domain.ids import address_of
from graph_api.domain.records import Approval, Record, Swap, Token, Transaction, Transfer
from ingest.sources.chain import BlockFacts
from ingest.sources.evm import logs


def moralis(
    block: BlockFacts,
    *,
    confirmed: bool = False,
    retries: int = 0,
    stream: str = "one",
    internal: Sequence[dict[str, Any]] = (),
) -> bytes:
    """Everything that ``block`` says, in a body of Moralis Streams."""
    tokens = {one.id: one for one in block.records if isinstance(one, Token)}
    ref = block.ref
    told = {
        "confirmed": confirmed,
        "chainId": "0x1",
        "abi": [],
        "streamId": stream,
        "tag": "",
        "retries": retries,
        "block": {
            "number": str(ref.number),
            "hash": ref.hash,
            "timestamp": str(ref.time // 1000),
        },
        "logs": [_moralis_log(*one) for one in _logs(block.records)],
        "txs": [_moralis_tx(one) for one in block.records if isinstance(one, Transaction)],
        "txsInternal": [*internal],
        "erc20Transfers": [
            _moralis_erc20(one, tokens)
            for one in block.records
            if isinstance(one, Transfer) and one.position.startswith("log:")
        ],
    }
    return json.dumps(told).encode()


def alchemy(block: BlockFacts, *, id: str, said_at: datetime, removed: bool = False) -> bytes:
    """What moved in ``block``, in a body of Alchemy Notify; or that none of it did."""
    activity: list[dict[str, Any]] = [
        _alchemy_coins(record, block)
        for record in block.records
        if isinstance(record, Transfer) and record.position == "native" and not removed
    ]
    for transaction, index, address, topics, data in _logs(block.records):
        activity.append(
            {
                "blockNum": hex(block.ref.number),
                "hash": transaction.rpartition(":")[2],
                "fromAddress": "0x" + topics[1][26:],
                "toAddress": "0x" + topics[2][26:],
                "value": 1.5,
                "asset": None,
                "category": "token",
                "rawContract": {"rawValue": data, "address": address, "decimals": 18},
                "log": {
                    "address": address,
                    "topics": topics,
                    "data": data,
                    "blockNumber": hex(block.ref.number),
                    "transactionHash": transaction.rpartition(":")[2],
                    "transactionIndex": "0x0",
                    "blockHash": block.ref.hash,
                    "logIndex": hex(index),
                    "removed": removed,
                },
            }
        )
    told = {
        "webhookId": "wh_1",
        "id": id,
        "createdAt": said_at.isoformat().replace("+00:00", "Z"),
        "type": "ADDRESS_ACTIVITY",
        "event": {"network": "ETH_MAINNET", "activity": activity},
    }
    return json.dumps(told).encode()


def _word(value: int) -> str:
    return f"{value % 2**256:064x}"


def _topic(account: str) -> str:
    return "0x" + "0" * 24 + address_of(account)[2:]  # type: ignore[arg-type]


def _logs(records: Sequence[Record]) -> list[tuple[str, int, str, list[str], str]]:
    """Transaction, index, address, topics and data of every log."""
    found: list[tuple[str, int, str, list[str], str]] = []
    for record in records:
        index = int(getattr(record, "id", "").rpartition(":")[2] or 0) if _is_log(record) else 0
        match record:
            case Transfer() if record.position.startswith("log:"):
                assert record.sender is not None
                assert record.token is not None
                topics = [logs.TRANSFER, _topic(record.sender), _topic(record.recipient)]
                data = "0x" + _word(record.amount_raw or 0)
                address = address_of(record.token)
            case Approval():
                topics = [logs.APPROVAL, _topic(record.owner), _topic(record.spender)]
                data, address = "0x" + _word(record.amount_raw), address_of(record.token)
            case Swap():
                topics = [logs.SWAP_V2, _topic(record.sender), _topic(record.recipient)]
                amounts = (record.amount0_raw, record.amount1_raw)
                words = [max(one, 0) for one in amounts] + [max(-one, 0) for one in amounts]
                data, address = "0x" + "".join(map(_word, words)), address_of(record.pool)
            case _:
                continue
        assert record.transaction is not None
        found.append((record.transaction, index, address, topics, data))
    return found


def _is_log(record: Record) -> bool:
    return isinstance(record, (Transfer, Approval, Swap)) and ":log:" in record.id


def _moralis_log(
    transaction: str, index: int, address: str, topics: list[str], data: str
) -> dict[str, Any]:
    named = {f"topic{place}": topic for place, topic in enumerate(topics)}
    return {
        "logIndex": str(index),
        "transactionHash": transaction.rpartition(":")[2],
        "address": address,
        "data": data,
        "topic3": None,
        **named,
    }


def _moralis_tx(sent: Transaction) -> dict[str, Any]:
    return {
        "hash": sent.hash,
        "gas": "90000",
        "gasPrice": str(sent.gas_price_raw),
        "nonce": "1",
        "input": sent.method_id + "0" * 64 if sent.method_id else "0x",
        "transactionIndex": str(sent.index),
        "fromAddress": address_of(sent.sender),
        "toAddress": None if sent.creates or not sent.recipient else address_of(sent.recipient),
        "value": str(sent.value_raw),
        "type": "2",
        "receiptCumulativeGasUsed": "90000",
        "receiptGasUsed": str(sent.gas_used),
        "receiptContractAddress": (
            address_of(sent.recipient) if sent.creates and sent.recipient else None
        ),
        "receiptRoot": None,
        "receiptStatus": str(sent.status),
    }


def _moralis_erc20(moved: Transfer, tokens: dict[Any, Token]) -> dict[str, Any]:
    assert moved.sender is not None
    assert moved.token is not None
    token = tokens[moved.token]
    return {
        "transactionHash": (moved.transaction or "").rpartition(":")[2],
        "logIndex": moved.position.partition(":")[2],
        "contract": address_of(moved.token),
        "from": address_of(moved.sender),
        "to": address_of(moved.recipient),
        "value": str(moved.amount_raw),
        "tokenName": token.name,
        "tokenSymbol": token.symbol,
        "tokenDecimals": str(token.decimals),
        "possibleSpam": False,
    }


def _alchemy_coins(moved: Transfer, block: BlockFacts) -> dict[str, Any]:
    assert moved.sender is not None
    assert moved.amount_raw is not None
    return {
        "blockNum": hex(block.ref.number),
        "hash": (moved.transaction or "").rpartition(":")[2],
        "fromAddress": address_of(moved.sender),
        "toAddress": address_of(moved.recipient),
        "value": moved.amount_raw / 1e18,
        "asset": "ETH",
        "category": "external",
        "rawContract": {"rawValue": hex(moved.amount_raw), "address": None, "decimals": 18},
        "typeTraceAddress": None,
    }
