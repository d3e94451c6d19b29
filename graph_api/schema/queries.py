"""The ledger's root fields."""

import strawberry

from graph_api.domain.chains import CHAINS
from graph_api.domain.ids import AccountId, ChainId, TokenId
from graph_api.schema.inputs import TokenLookup, WalletLookup
from graph_api.schema.ledger import Chain, Token, Wallet
from graph_api.schema.steps import root
from graph_api.store import chains, tokens, wallets
from graph_api.store.chains import ChainRow
from graph_api.store.graph import Graph


def _wallet(by: WalletLookup) -> AccountId:
    return by.asked()


def _token(by: TokenLookup) -> TokenId:
    return by.asked()


def _chain(id: ChainId) -> ChainId:
    return id


async def _all_chains(graph: Graph) -> list[ChainRow]:
    ids = [ChainId(chain.id) for chain in CHAINS]
    return list((await chains.by_ids(graph, ids)).values())


@strawberry.type
class LedgerQuery:
    """Where questions about the ledger begin."""

    wallet: Wallet | None = root(
        wallets.by_ids,
        key=_wallet,
        of=Wallet.of,
        arguments={"by": "Its name."},
        description="One wallet; null when nothing of it is loaded.",
    )
    token: Token | None = root(
        tokens.by_ids,
        key=_token,
        of=Token.of,
        arguments={"by": "Its name."},
        description="One token; null when nothing of it is loaded.",
    )
    chain: Chain = root(
        chains.by_ids,
        key=_chain,
        of=Chain.of,
        arguments={"id": "A slug such as `ethereum`, or a CAIP-2 id."},
        description="One chain and how much of it is loaded.",
    )
    chains: list[Chain] = root(
        _all_chains,
        of=Chain.of,
        description="Every chain that this graph knows, and how much of each is loaded.",
    )
