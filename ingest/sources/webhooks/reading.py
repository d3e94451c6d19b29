"""Which sender's bodies are read by what."""

from collections.abc import Callable

import msgspec
import orjson

from graph_api.domain.chains import Chain, chain_of
from graph_api.domain.errors import BadInput
from graph_api.domain.records import Reject, Transaction
from graph_api.domain.webhooks import Sender
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm.known_tokens import known_decimals
from ingest.sources.solana import helius
from ingest.sources.webhooks import alchemy, moralis
from ingest.sources.webhooks.telling import Page, Told, page


class Reader:
    """Reads bodies; it remembers the ids of each chain, for addresses come again and again."""

    def __init__(self) -> None:
        self._chains: dict[str, ChainRecords] = {}

    def read(self, sender: Sender, body: bytes) -> Told:
        """What ``body`` tells. Raises: BadInput when nothing of it can be read."""
        _require_shallow(body)
        match sender:
            case Sender.MORALIS:
                return moralis.decode(body, self._records)
            case Sender.ALCHEMY:
                return alchemy.decode(body, self._records)
            case Sender.HELIUS:
                return _helius(body, self._records)

    def _records(self, chain: Chain) -> ChainRecords:
        if chain.id not in self._chains:
            self._chains[chain.id] = ChainRecords(chain, decimals=known_decimals())
        return self._chains[chain.id]


def _require_shallow(body: bytes) -> None:
    # A reader that knows what to expect follows brackets as deep as the stack goes, and deeper;
    # this one stops at its own limit.
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"The body is no JSON: {error}.") from None


def _helius(body: bytes, records_of: Callable[[Chain], ChainRecords]) -> Told:
    """A page for each transaction; a payload does not tell the hash of its block."""
    try:
        told = msgspec.json.decode(body)
        items = [msgspec.json.encode(one) for one in (told if isinstance(told, list) else [told])]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"The body is none of Helius: {error}.") from None
    chain = chain_of("solana")
    pages: list[Page] = []
    rejects: list[Reject] = []
    for line, item in enumerate(items):
        records, wrong = helius.decode(item, records_of(chain))
        rejects += [msgspec.structs.replace(one, line=line) for one in wrong]
        for record in records:
            if isinstance(record, Transaction) and record.block_number is not None:
                number, time = record.block_number, record.block_time
                pages.append(page(chain, number, records, hash=None, time=time))
                break
    return Told(pages=tuple(pages), rejects=tuple(rejects))
