"""Opens whatever can tell the histories of a chain's wallets."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from graph_api.domain.chains import Chain, Family
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId
from graph_api.store import histories
from graph_api.store.graph import Graph
from ingest.jobs.nodes import Unknown, nodes
from ingest.sources.evm.source import EvmSource
from ingest.sources.evm.wallet_history import FIRST_SPAN, READING, EvmTokenHistory
from ingest.sources.explorers.asking import Explorers
from ingest.sources.explorers.esplora import EsploraHistory
from ingest.sources.explorers.etherscan import EtherscanCoin, EtherscanTokens
from ingest.sources.histories import HistorySource
from ingest.sources.solana.source import SolanaSource
from ingest.sources.solana.wallet_history import SolanaHistory


class SourceMissing(BadInput):
    """Nobody was named who could tell the history of a wallet; ``remedy`` says what to set."""

    def __init__(self, chain: Chain, remedy: str) -> None:
        super().__init__(f"No source of wallets' histories is set for {chain.name}.")
        self.remedy = remedy


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where nodes and explorers are, by the slugs of their chains."""

    nodes: Mapping[str, str] = {}
    explorers: Mapping[str, str] = {}


@asynccontextmanager
async def history_sources(
    graph: Graph, chain: Chain, addresses: Addresses, *, span: int = FIRST_SPAN
) -> AsyncIterator[Sequence[HistorySource]]:
    """Those of ``chain``; ``span`` is how many blocks are asked for at first.

    Raises: SourceMissing.
    """
    async with AsyncExitStack() as stack:
        found: list[HistorySource] = []
        if chain.slug in addresses.nodes:
            opened = await stack.enter_async_context(
                nodes(graph, chain, addresses.nodes[chain.slug], reading=READING)
            )
            if isinstance(opened.source, EvmSource):
                new = Unknown(graph)
                found.append(
                    EvmTokenHistory(
                        opened.source,
                        unknown_tokens=new.tokens,
                        unknown_accounts=new.accounts,
                        span=span,
                    )
                )
            if isinstance(opened.source, SolanaSource):
                found.append(SolanaHistory(opened.source, remembered=_Remembered(graph)))
        if chain.slug in addresses.explorers and chain.family is Family.EVM:
            explorers = Explorers.open(chain, addresses.explorers[chain.slug])
            stack.push_async_callback(explorers.close)
            if not found:
                found.append(EtherscanTokens(chain, explorers))
            found.append(EtherscanCoin(chain, explorers))
        if chain.slug in addresses.explorers and chain.family is Family.UTXO:
            esplora = EsploraHistory.open(chain, addresses.explorers[chain.slug])
            stack.push_async_callback(esplora.close)
            found.append(esplora)
        if not found:
            raise SourceMissing(chain, remedy(chain))
        yield found


class _Remembered:
    """What earlier requests have found to act for an account."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def __call__(self, account: AccountId) -> Collection[str]:
        read = (await histories.of_wallets(self._graph, [account])).get(account, ())
        return [one for history in read for one in history.accounts]


def remedy(chain: Chain) -> str:
    """What to set so that wallets of ``chain`` can be read."""
    name = chain.slug.upper()
    match chain.family:
        case Family.EVM:
            what = (
                f"a node by DESKGRAPH_NODES__{name} or an explorer by DESKGRAPH_EXPLORERS__{name}"
            )
        case Family.UTXO:
            what = f"an explorer by DESKGRAPH_EXPLORERS__{name}"
        case Family.SOLANA:
            what = f"a node that keeps everything by DESKGRAPH_NODES__{name}"
    return f"Name {what}, and start ingestion anew."
