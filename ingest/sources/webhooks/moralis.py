"""Bodies of Moralis Streams, for EVM chains.

A body is about one block. Logs and transactions become the records that a node's block gives,
under the same ids. Internal transactions come without their place in the transaction, so that they
have no id: those that move value are left out with that reason, once they are confirmed.
Source: Moralis' description of webhook payloads.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from graph_api.domain.addresses import created_contract
from graph_api.domain.chains import Chain, Family, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.positions import transfer_id
from graph_api.domain.records import Record, Reject, Token, Transaction, Transfer
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm import logs
from ingest.sources.evm.words import checked_data, topics_of
from ingest.sources.webhooks.telling import Told, page, text_of, whole

_SELECTOR: Final = 10
_MAX_DECIMALS: Final = 77

_NO_PLACE: Final = (
    "Moralis does not say where in its transaction an internal movement happened, so it has no id; "
    "follow the chain by a node that traces."
)

Count = str | int


class _Block(msgspec.Struct):
    number: Count
    hash: str
    timestamp: Count


class _Log(msgspec.Struct, rename="camel"):
    log_index: Count
    transaction_hash: str
    address: str
    data: str = "0x"
    topic0: str | None = None
    topic1: str | None = None
    topic2: str | None = None
    topic3: str | None = None


class _Transaction(msgspec.Struct, rename="camel"):
    hash: str
    from_address: str
    value: Count
    nonce: Count = 0
    to_address: str | None = None
    input: str | None = None
    transaction_index: Count | None = None
    gas_price: Count | None = None
    receipt_gas_used: Count | None = None
    receipt_status: Count | None = None
    receipt_contract_address: str | None = None


class _Erc20(msgspec.Struct, rename="camel"):
    transaction_hash: str
    log_index: Count
    contract: str
    sender: str = msgspec.field(name="from")
    to: str = ""
    value: Count = 0
    token_name: str | None = None
    token_symbol: str | None = None
    token_decimals: Count | None = None


class _Internal(msgspec.Struct, rename="camel"):
    transaction_hash: str
    value: Count = 0


class _Body(msgspec.Struct, rename="camel"):
    confirmed: bool
    chain_id: str
    block: _Block
    logs: list[Any] = []
    txs: list[Any] = []
    erc20_transfers: list[Any] = []
    txs_internal: list[Any] = []


def decode(body: bytes, records_of: Callable[[Chain], ChainRecords]) -> Told:
    """What ``body`` tells. Raises: BadInput when nothing of it can be read."""
    try:
        told = msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"The body is none of Moralis Streams: {error}.") from None
    reader = _Reader(told, records_of(_chain(told.chain_id)))
    read = list(reader.read())
    return Told(
        pages=(reader.page(read),),
        rejects=tuple(reader.rejects),
        left_out=tuple(reader.left_out),
    )


def _chain(told: str) -> Chain:
    """The chain of ``0x1``."""
    chain = chain_of(str(whole(told)))
    if chain.family is not Family.EVM:
        raise BadInput(f"Bodies of {chain.name} are not read.")
    return chain


class _Reader:
    """Reads the parts of one body; a part that is wrong is a reject and costs no other."""

    def __init__(self, told: _Body, chain: ChainRecords) -> None:
        self._told, self._chain = told, chain
        self._number, self._time = whole(told.block.number), whole(told.block.timestamp) * 1000
        self._hash = _hash(told.block.hash, chain)
        self._placed: set[str] = set()
        self.rejects: list[Reject] = []
        self.left_out: list[Reject] = []

    def page(self, records: Sequence[Record]) -> Any:
        """The block with its records."""
        return page(
            self._chain.chain,
            self._number,
            records,
            hash=self._hash,
            time=self._time,
            confirmed=self._told.confirmed,
        )

    def read(self) -> Iterator[Record]:
        """Every record."""
        told = self._told
        yield from self._each("txs", told.txs, self._transaction)
        yield from self._each("logs", told.logs, self._log)
        yield from self._each("erc20Transfers", told.erc20_transfers, self._erc20)
        if told.confirmed:
            yield from self._each("txsInternal", told.txs_internal, self._internal)

    def _each(
        self, part: str, items: Sequence[Any], read: Callable[[Any], Sequence[Record]]
    ) -> Iterator[Record]:
        for line, item in enumerate(items):
            try:
                yield from read(item)
            except (BadInput, msgspec.ValidationError) as error:
                self.rejects.append(
                    Reject(file=part, line=line, reason=str(error), row=text_of(item))
                )

    def _transaction(self, item: Any) -> Sequence[Record]:
        sent = msgspec.convert(item, _Transaction)
        creates = not sent.to_address
        recipient = (
            sent.to_address
            or sent.receipt_contract_address
            or created_contract(sent.from_address.lower(), whole(sent.nonce))
        )
        called = not creates and sent.input is not None and len(sent.input) >= _SELECTOR
        return (
            Transaction(
                id=self._chain.transaction(sent.hash),
                chain=self._chain.id,
                hash=sent.hash.lower(),
                sender=self._chain.account(sent.from_address),
                recipient=self._chain.account(recipient),
                value_raw=whole(sent.value),
                method_id=sent.input[:_SELECTOR].lower() if called and sent.input else None,
                block_number=self._number,
                block_time=self._time,
                index=_maybe(sent.transaction_index),
                status=_maybe(sent.receipt_status),
                gas_used=_maybe(sent.receipt_gas_used),
                gas_price_raw=_maybe(sent.gas_price),
                creates=creates,
            ),
        )

    def _log(self, item: Any) -> Sequence[Record]:
        told = msgspec.convert(item, _Log)
        topics = [one for one in (told.topic0, told.topic1, told.topic2, told.topic3) if one]
        event = logs.decode(
            logs.Log(
                transaction=self._chain.transaction(told.transaction_hash),
                index=whole(told.log_index),
                address=told.address,
                topics=topics_of(topics),
                data=checked_data(told.data),
                block_number=self._number,
                block_time=self._time,
            ),
            self._chain,
        )
        if event is None:
            return ()
        self._placed.add(event.id)
        return (event,)

    def _erc20(self, item: Any) -> Sequence[Record]:
        """What logs do not tell: the token's own facts, and transfers whose log was left out."""
        told = msgspec.convert(item, _Erc20)
        transaction = self._chain.transaction(told.transaction_hash)
        position = f"log:{whole(told.log_index)}"
        transfer = transfer_id(transaction, position)
        token = self._token(told)
        if transfer in self._placed:
            return (token,)
        moved: Transfer = self._chain.transfer(
            transfer,
            position,
            transaction=transaction,
            sender=self._chain.account(told.sender),
            recipient=self._chain.account(told.to),
            token=token.id,
            amount_raw=whole(told.value),
            block_number=self._number,
            block_time=self._time,
        )
        return token, moved

    def _internal(self, item: Any) -> Sequence[Record]:
        told = msgspec.convert(item, _Internal)
        if whole(told.value):
            self.left_out.append(
                Reject(
                    file=self._chain.transaction(told.transaction_hash),
                    line=self._number,
                    reason=_NO_PLACE,
                    row=text_of(item),
                )
            )
        return ()

    def _token(self, told: _Erc20) -> Token:
        decimals = _maybe(told.token_decimals)
        return Token(
            id=self._chain.token(told.contract),
            chain=self._chain.id,
            address=told.contract.lower(),
            symbol=told.token_symbol or None,
            name=told.token_name or None,
            decimals=decimals if decimals is not None and decimals <= _MAX_DECIMALS else None,
        )


def _maybe(told: Count | None) -> int | None:
    return None if told is None or told == "" else whole(told)


def _hash(told: str, chain: ChainRecords) -> str:
    """A block's hash has the shape of a transaction's. Raises: BadInput."""
    return chain.transaction(told).rpartition(":")[2]
