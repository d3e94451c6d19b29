"""Opens a chain's nodes: addresses that people write down, and the source that reads them."""

import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec
from pydantic import SecretStr

from graph_api.domain.chains import Chain, Family
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, TokenId
from graph_api.domain.records import WalletKind
from graph_api.store import tokens, wallets
from graph_api.store.graph import Graph
from ingest.providers.endpoints import Endpoints, EndpointSettings
from ingest.sources.bitcoin.source import BitcoinSource
from ingest.sources.chain import ChainSource
from ingest.sources.evm.reading import EvmReading
from ingest.sources.evm.source import EvmSource
from ingest.sources.solana.source import SolanaSource

_HTTP, _WEBSOCKET = ("http", "https"), ("ws", "wss")


class Nodes(msgspec.Struct, frozen=True):
    """A chain's source, and the endpoints behind it."""

    source: ChainSource
    endpoints: Endpoints


@asynccontextmanager
async def nodes(
    graph: Graph, chain: Chain, addresses: str, *, reading: EvmReading | None = None
) -> AsyncIterator[Nodes]:
    """The nodes of ``chain`` at ``addresses``. Raises: BadInput when these are none."""
    endpoints = Endpoints.open(chain.name, endpoint_settings(addresses))
    try:
        yield Nodes(_source(graph, chain, endpoints, reading), endpoints)
    finally:
        await endpoints.close()


def endpoint_settings(addresses: str) -> list[EndpointSettings]:
    """HTTP addresses between spaces or commas; a WebSocket's follows the one that it belongs to.

    Raises: BadInput.
    """
    found: list[EndpointSettings] = []
    for text in addresses.replace(",", " ").split():
        scheme = urlsplit(text).scheme
        if scheme in _HTTP:
            found.append(EndpointSettings(url=text))
        elif scheme in _WEBSOCKET and found and found[-1].websocket is None:
            found[-1] = msgspec.structs.replace(found[-1], websocket=text)
        else:
            raise BadInput(
                "A node's address begins with http:// or https://; one that begins with ws:// or "
                "wss:// comes right behind the http address of the same node."
            )
    if not found:
        raise BadInput("Name at least one address of a node.")
    return found


def _source(
    graph: Graph, chain: Chain, endpoints: Endpoints, reading: EvmReading | None
) -> ChainSource:
    match chain.family:
        case Family.EVM:
            return EvmSource(
                chain,
                endpoints,
                reading=reading,
                unknown_tokens=Unknown(graph).tokens,
                unknown_accounts=Unknown(graph).accounts,
            )
        case Family.SOLANA:
            return SolanaSource(chain, endpoints, now=time.time)
        case Family.UTXO:
            return BitcoinSource(chain, endpoints, now=time.time)


class Unknown:
    """What the graph knows nothing of yet."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def tokens(self, ids: Collection[str]) -> Collection[str]:
        known = await tokens.by_ids(self._graph, [TokenId(id_) for id_ in ids])
        return [id_ for id_ in ids if id_ not in known]

    async def accounts(self, ids: Collection[str]) -> Collection[str]:
        known = await wallets.by_ids(self._graph, [AccountId(id_) for id_ in ids])
        # Not every source says what stands behind an account.
        told = {id_ for id_, row in known.items() if row.kind != WalletKind.UNKNOWN}
        return [id_ for id_ in ids if id_ not in told]


def named(chain: Chain, given: Sequence[str], settings: Mapping[str, SecretStr]) -> str:
    """The addresses that were given, or else those that settings have of ``chain``.

    Raises: BadInput.
    """
    if given:
        return " ".join(given)
    if chain.slug not in settings:
        raise BadInput(
            f"Name a node of {chain.name}: --node URL, or DESKGRAPH_NODES__{chain.slug.upper()}."
        )
    return settings[chain.slug].get_secret_value()
