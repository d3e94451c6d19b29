"""Bodies of Alchemy Notify: address activity of EVM chains.

Each activity is one movement. Token movements carry their log, from which they are read exactly;
coins have their amount as ``rawValue``. The float ``value`` is never read. Only logs name the hash
of their block, and only they say that a block was removed from its chain. Source: Alchemy's
description of the address activity webhook.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from graph_api.domain.chains import Chain, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import ChainId, TransactionId
from graph_api.domain.positions import transfer_id
from graph_api.domain.records import Record, Reject
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm import logs
from ingest.sources.evm.traces import Trace, records_of
from ingest.sources.evm.words import checked_data, topics_of
from ingest.sources.webhooks.telling import Page, Told, page, text_of, whole

_NETWORKS: Final = {
    "ETH_MAINNET": "ethereum",
    "BNB_MAINNET": "bsc",
    "MATIC_MAINNET": "polygon",
    "GNOSIS_MAINNET": "gnosis",
    "ARB_MAINNET": "arbitrum",
    "OPT_MAINNET": "optimism",
    "BASE_MAINNET": "base",
    "CELO_MAINNET": "celo",
}
#: Calls that tell of nothing that the graph has.
_IGNORED: Final = ("NFT_ACTIVITY", "NFT_METADATA_UPDATE", "DROPPED_TRANSACTION", "GAS_PRICE")
_TRACE: Final = re.compile(r"(?P<kind>[a-z]+2?)(?P<path>(?:_\d+)*)")


class _Contract(msgspec.Struct, rename="camel"):
    raw_value: str | None = None


class _Log(msgspec.Struct, rename="camel"):
    address: str
    topics: list[str]
    data: str
    block_number: str
    transaction_hash: str
    block_hash: str
    log_index: str
    removed: bool = False
    block_timestamp: str | None = None


class _Activity(msgspec.Struct, rename="camel"):
    block_num: str
    hash: str
    from_address: str
    category: str
    to_address: str | None = None
    raw_contract: _Contract | None = None
    type_trace_address: str | None = None
    log: _Log | None = None


class _Event(msgspec.Struct):
    network: str
    activity: list[Any] = []


class _Head(msgspec.Struct, rename="camel"):
    id: str
    created_at: datetime
    type: str
    event: msgspec.Raw = msgspec.Raw(b"{}")


class _Block(msgspec.Struct):
    """What is known of a block so far; ``gone`` is the hash that was removed."""

    hash: str | None = None
    gone: str | None = None
    time: int | None = None
    records: list[Record] = []


def decode(body: bytes, records_of_chain: Callable[[Chain], ChainRecords]) -> Told:
    """What ``body`` tells. Raises: BadInput when nothing of it can be read."""
    try:
        head = msgspec.json.decode(body, type=_Head)
        if head.type in _IGNORED:
            return Told()
        if head.type != "ADDRESS_ACTIVITY":
            raise BadInput(f"Calls of type {head.type[:40]!r} are not read; use ADDRESS_ACTIVITY.")
        event = msgspec.json.decode(head.event, type=_Event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"The body is none of Alchemy Notify: {error}.") from None
    slug = _NETWORKS.get(event.network)
    if slug is None:
        raise BadInput(f"Nothing is known of the network {event.network[:40]!r}.")
    reader = _Reader(records_of_chain(chain_of(slug)), said_at=head.created_at)
    reader.read(event.activity)
    return Told(pages=tuple(reader.pages()), rejects=tuple(reader.rejects))


class _Reader:
    """Sorts activities by their blocks; one that is wrong is a reject and costs no other."""

    def __init__(self, chain: ChainRecords, *, said_at: datetime) -> None:
        self._chain, self._said_at = chain, said_at
        self._blocks: dict[tuple[int, bool], _Block] = {}
        self.rejects: list[Reject] = []

    def read(self, activities: Sequence[Any]) -> None:
        """Read them all."""
        for line, item in enumerate(activities):
            try:
                self._read(msgspec.convert(item, _Activity))
            except (BadInput, msgspec.ValidationError) as error:
                self.rejects.append(
                    Reject(file="activity", line=line, reason=str(error), row=text_of(item))
                )

    def pages(self) -> Iterator[Page]:
        """What was read: removed blocks first, the highest of them before all."""
        for (number, _), block in sorted(self._blocks.items(), key=lambda one: -one[0][0]):
            if block.gone is not None:
                yield Page(
                    chain=ChainId(self._chain.id),
                    number=number,
                    hash=block.gone,
                    removed=True,
                    said_at=self._said_at,
                )
        for (number, _), block in sorted(self._blocks.items(), key=lambda one: one[0][0]):
            if block.gone is None:
                yield page(
                    self._chain.chain,
                    number,
                    block.records,
                    hash=block.hash,
                    time=block.time,
                    said_at=self._said_at,
                )

    def _read(self, told: _Activity) -> None:
        if told.log is not None:
            self._read_log(told.log)
            return
        number = whole(told.block_num)
        if told.category == "external":
            records = self._coins(told, number, "call", "")
        elif told.category == "internal":
            kind, path = _place(told.type_trace_address)
            records = self._coins(told, number, kind, path)
        elif told.category in ("erc721", "erc1155", "specialnft"):
            return
        else:
            raise BadInput(f"A movement of kind {told.category[:40]!r} has no log.")
        self._block(number).records += records

    def _read_log(self, told: _Log) -> None:
        number = whole(told.block_number)
        block_hash = self._chain.transaction(told.block_hash).rpartition(":")[2]
        if told.removed:
            self._blocks.setdefault((number, True), _Block(records=[])).gone = block_hash
            return
        block = self._block(number)
        if block.hash not in (None, block_hash):
            raise BadInput(f"The body tells of two blocks {number}.")
        time = whole(told.block_timestamp) * 1000 if told.block_timestamp else None
        event = logs.decode(
            logs.Log(
                transaction=self._chain.transaction(told.transaction_hash),
                index=whole(told.log_index),
                address=told.address,
                topics=topics_of(told.topics),
                data=checked_data(told.data),
                block_number=number,
                block_time=time,
            ),
            self._chain,
        )
        block.hash, block.time = block_hash, time if block.time is None else block.time
        if event is not None:
            block.records.append(event)

    def _coins(self, told: _Activity, number: int, kind: str, path: str) -> Sequence[Record]:
        if told.raw_contract is None or told.raw_contract.raw_value is None:
            raise BadInput("The movement does not tell its exact amount.")
        if not told.to_address:
            raise BadInput("The movement does not tell who received it.")
        transaction: TransactionId = self._chain.transaction(told.hash)
        if path:
            transfer_id(transaction, f"trace:{path}")
        trace = Trace(
            kind="call" if kind in ("call", "callcode", "delegatecall") else kind,
            call_type=kind if kind in ("callcode", "delegatecall") else "call",
            path=path,
            transaction=transaction,
            sender=self._chain.account(told.from_address),
            recipient=self._chain.account(told.to_address),
            value_raw=whole(told.raw_contract.raw_value),
            block_number=number,
        )
        return records_of(trace, self._chain)

    def _block(self, number: int) -> _Block:
        return self._blocks.setdefault((number, False), _Block(records=[]))


def _place(told: str | None) -> tuple[str, str]:
    """Kind and path of ``call_0_1``. Raises: BadInput."""
    found = _TRACE.fullmatch((told or "").lower())
    if found is None:
        raise BadInput(f"{str(told)[:40]!r} is no place of an internal movement.")
    return found["kind"], found["path"][1:].replace("_", ".")
