"""Histories of Bitcoin's addresses from explorers that answer as Esplora does.

An address's transactions come newest first, each whole, with the coins that it spends. A page may
end within a block, which is told with the next page.
"""

from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, address_of
from graph_api.domain.records import Record, Reject, UtxoTransaction
from graph_api.domain.wallet_loads import Part
from ingest.providers.endpoints import Endpoint, Endpoints, EndpointSettings
from ingest.providers.faults import FalseMoney, Garbled, WrongBlock
from ingest.sources.bitcoin.blocks import spend_of, transaction_of
from ingest.sources.bitcoin.serialized import Coin, PlainTransaction, Point
from ingest.sources.chain import BlockRef
from ingest.sources.histories import Told

T = TypeVar("T")

#: Free services allow this.
_REQUESTS_PER_S: Final = 4.0


class _Output(msgspec.Struct):
    scriptpubkey: str
    value: int


class _Input(msgspec.Struct):
    txid: str
    vout: int
    is_coinbase: bool = False
    prevout: _Output | None = None


class _Status(msgspec.Struct):
    confirmed: bool
    block_height: int = -1
    block_hash: str = ""
    block_time: int = 0


class _Transaction(msgspec.Struct):
    txid: str
    vin: list[_Input]
    vout: list[_Output]
    status: _Status

    @property
    def height(self) -> int:
        return self.status.block_height


class _Proof(msgspec.Struct):
    block_height: int
    pos: int


class EsploraHistory:
    """A ``HistorySource`` of everything that an address took part in."""

    part = Part.EVERYTHING
    counts_blocks = True
    unseen: str | None = None

    def __init__(self, chain: Chain, endpoints: Endpoints) -> None:
        self.chain, self._endpoints = chain, endpoints
        self.name = ", ".join(endpoint.name for endpoint in endpoints.all)
        self._calls = 0

    @classmethod
    def open(cls, chain: Chain, addresses: str) -> "EsploraHistory":
        """The explorers at ``addresses``, between spaces or commas. Raises: BadInput."""
        settings = []
        for text in addresses.replace(",", " ").split():
            parts = urlsplit(text)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.query:
                raise BadInput(
                    "An explorer of Bitcoin has an address such as https://host/api, without "
                    "anything behind a question mark."
                )
            settings.append(EndpointSettings(url=text, requests_per_s=_REQUESTS_PER_S))
        return cls(chain, Endpoints.open(f"{chain.name}'s explorers", settings))

    @property
    def calls(self) -> int:
        """How often explorers were asked."""
        return self._calls

    async def settled(self) -> int:
        """The newest block that is deep enough."""
        return max(await self._endpoints.ask(self._height) - self.chain.finality_depth, 0)

    async def told(self, account: AccountId, first: int, last: int) -> AsyncGenerator[Told]:
        """What ``account`` took part in in the blocks ``first..last``, newest first.

        Pages begin at the newest of all: what lies above ``last`` is passed over.
        """
        seen, waiting = "", list[_Transaction]()
        while first <= last:
            work = partial(self._page, address=address_of(account), seen=seen)
            page = await self._endpoints.ask(work)
            waiting += [one for one in page if first <= one.height <= last]
            ends = not page or page[-1].height < first
            whole = first if ends else page[-1].height + 1
            if whole <= last:
                ready = [one for one in waiting if one.height >= whole]
                waiting = [one for one in waiting if one.height < whole]
                yield await self._told(ready, first=whole, last=last)
                last = whole - 1
            if ends:
                return
            seen = page[-1].txid

    async def close(self) -> None:
        """Give the connections back."""
        await self._endpoints.close()

    async def _height(self, endpoint: Endpoint) -> int:
        return await self._get(endpoint, "/blocks/tip/height", int)

    async def _page(self, endpoint: Endpoint, *, address: str, seen: str) -> list[_Transaction]:
        behind = f"/{seen}" if seen else ""
        path = f"/address/{address}/txs/chain{behind}"
        page = await self._get(endpoint, path, list[_Transaction])
        heights = [one.height for one in page]
        if heights != sorted(heights, reverse=True) or min(heights, default=0) < 0:
            raise Garbled("Its transactions are not confirmed, or not the newest first.")
        return page

    async def _told(self, found: Sequence[_Transaction], *, first: int, last: int) -> Told:
        records: list[Record] = []
        rejects: list[Reject] = []
        for one in found:
            # The place in the block is told by the proof that it is in there.
            place = await self._endpoints.ask(partial(self._place, told=one))
            try:
                records.append(_record(one, self.chain, place))
            except (BadInput, FalseMoney) as error:
                rejects.append(
                    Reject(
                        file=f"{self.chain.id}:block:{one.height}",
                        line=place,
                        reason=str(error),
                        row=one.txid[:64],
                    )
                )
        return Told(
            first=first,
            last=last,
            records=tuple(records),
            rejects=tuple(rejects),
            hashes={one.height: one.status.block_hash for one in found},
        )

    async def _place(self, endpoint: Endpoint, *, told: _Transaction) -> int:
        proof = await self._get(endpoint, f"/tx/{told.txid}/merkle-proof", _Proof)
        if proof.block_height != told.height:
            raise WrongBlock(f"It proves {told.txid[:64]} in another block than it names.")
        return proof.pos

    async def _get(self, endpoint: Endpoint, path: str, of: type[T]) -> T:
        self._calls += 1
        return await endpoint.get(path, of, params={}, headers={})


def _record(told: _Transaction, chain: Chain, place: int) -> UtxoTransaction:
    coinbase = any(one.is_coinbase for one in told.vin)
    spent = [] if coinbase else told.vin
    plain = PlainTransaction(
        told.txid,
        coinbase,
        tuple(Point(one.txid, one.vout) for one in spent),
        tuple(Coin(one.value, one.scriptpubkey) for one in told.vout),
    )
    spends = tuple(
        spend_of(
            Point(one.txid, one.vout),
            Coin(one.prevout.value, one.prevout.scriptpubkey) if one.prevout else None,
            chain,
        )
        for one in spent
    )
    block = BlockRef(
        number=told.height,
        hash=told.status.block_hash,
        parent_hash="",
        time=told.status.block_time * 1000,
    )
    return transaction_of(plain, spends, chain, block=block, index=place)
