"""The ledger's root fields."""

from typing import Final

import strawberry
from msgspec.structs import replace

from graph_api.domain.chains import CHAINS
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, ChainId, TokenId, TransactionId, TransferId, chain_id_of
from graph_api.domain.pages import Page
from graph_api.schema.inputs import (
    TokenLookup,
    TransactionFilterInput,
    TransactionLookup,
    TransferFilterInput,
    WalletFilterInput,
    WalletLookup,
)
from graph_api.schema.ledger import (
    LONG,
    TRANSACTION_FILTER,
    TRANSFER_FILTER,
    Chain,
    Token,
    Transaction,
    Transfer,
    Wallet,
)
from graph_api.schema.paging import Connection, Paging
from graph_api.schema.steps import root
from graph_api.services import finding
from graph_api.services.finding import LabelledQuestion
from graph_api.store import chains, tokens, transactions, transfers, wallets
from graph_api.store.chains import ChainRow
from graph_api.store.graph import Graph
from graph_api.store.tokens import TokenOrder, TokenQuestion
from graph_api.store.transactions import TransactionFilter, TransactionQuestion
from graph_api.store.transfers import TransferFilter, TransferQuestion, TransferRow
from graph_api.store.wallets import WalletOrder

_RECENT: Final = Paging(default=20, ceiling=100)


def _wallet(by: WalletLookup) -> AccountId:
    return by.asked()


def _token(by: TokenLookup) -> TokenId:
    return by.asked()


def _transaction(by: TransactionLookup) -> TransactionId:
    return by.asked()


def _transfer(id: str) -> TransferId:
    if not 1 <= len(id) <= 300:
        raise BadInput("A transfer's id has 1 to 300 characters.")
    return TransferId(id)


def _chain(id: ChainId) -> ChainId:
    return id


def _wallets(
    filter: WalletFilterInput | None = None, order: WalletOrder = WalletOrder.ID
) -> LabelledQuestion:
    asked = (filter or WalletFilterInput()).asked()
    return replace(asked, wallets=replace(asked.wallets, order=order))


def _tokens(
    chain: ChainId | None = None, symbol: str | None = None, order: TokenOrder = TokenOrder.ID
) -> TokenQuestion:
    if symbol is not None and len(symbol) > 200:
        raise BadInput("A symbol has up to 200 characters.")
    return TokenQuestion(chain=chain, symbol=symbol, order=order)


def _transfers(
    wallet: AccountId | None = None,
    chain: ChainId | None = None,
    filter: TransferFilterInput | None = None,
) -> TransferQuestion:
    _check_chain(wallet, chain)
    return TransferQuestion(
        wallet=wallet, chain=chain, filter=filter.asked() if filter else TransferFilter()
    )


def _transactions(
    wallet: AccountId | None = None,
    chain: ChainId | None = None,
    filter: TransactionFilterInput | None = None,
) -> TransactionQuestion:
    _check_chain(wallet, chain)
    return TransactionQuestion(
        wallet=wallet, chain=chain, filter=filter.asked() if filter else TransactionFilter()
    )


def _check_chain(wallet: AccountId | None, chain: ChainId | None) -> None:
    if wallet is not None and chain is not None and chain_id_of(wallet) != chain:
        raise BadInput("The wallet is on another chain; leave the chain out.")


async def _all_chains(graph: Graph) -> list[ChainRow]:
    ids = [ChainId(chain.id) for chain in CHAINS]
    return list((await chains.by_ids(graph, ids)).values())


async def _recent(graph: Graph, *, first: int, chain: ChainId | None = None) -> list[TransferRow]:
    ids = [ChainId(one.id) for one in CHAINS] if chain is None else [chain]
    found = await transfers.of_chains(graph, ids, page=Page(size=first))
    rows = [row for part in found.values() for row in part.rows]
    if chain is None:
        # Times alone compare across chains; what has none is older than anything that has.
        rows.sort(key=lambda row: row.block_time.timestamp() if row.block_time else 0, reverse=True)
    return rows[:first]


_NAMES = "Its name."
_IN_ONE_OF = "A `wallet`, a `chain` or the filter's `token` must be given."


@strawberry.type
class LedgerQuery:
    """Where questions about the ledger begin."""

    wallet: Wallet | None = root(
        wallets.by_ids,
        key=_wallet,
        of=Wallet.of,
        arguments={"by": _NAMES},
        description="One wallet; null when nothing of it is loaded: ask `walletStatus` then.",
    )
    wallets: Connection[Wallet] | None = root(
        finding.wallets_found,
        key=_wallets,
        of=Wallet.of,
        order="wallets",
        cost=3,
        arguments={
            "filter": "Conditions that all must hold.",
            "order": "NEWEST_ACTIVITY needs the filter's `chain`.",
        },
        description=(
            "Wallets by their ids, or by their newest transfers; those of an actor or a category "
            "by how sure that is. Where few meet the filter, a page may stop early: see "
            "`pageInfo.stopped`."
        ),
    )
    token: Token | None = root(
        tokens.by_ids,
        key=_token,
        of=Token.of,
        arguments={"by": _NAMES},
        description="One token; null when nothing of it is loaded.",
    )
    tokens: Connection[Token] | None = root(
        tokens.search,
        key=_tokens,
        of=Token.of,
        order="tokens",
        arguments={
            "chain": "Only of this chain.",
            "symbol": "Only with exactly this symbol, such as `USDT`. Anybody can make one more.",
            "order": "MOST_USED needs the `chain`, or a `symbol`.",
        },
        description="Tokens by their ids, or the most used first.",
    )
    transaction: Transaction | None = root(
        transactions.by_ids,
        key=_transaction,
        of=Transaction.of,
        arguments={"by": _NAMES},
        description="One transaction; null when nothing of it is loaded.",
    )
    transactions_search: Connection[Transaction] | None = root(
        transactions.search,
        key=_transactions,
        of=Transaction.of,
        order="transactions",
        paging=LONG,
        cost=2,
        arguments={
            "wallet": "Only those that it signed, or that called or paid it.",
            "chain": "All of this chain.",
            "filter": TRANSACTION_FILTER,
        },
        description="The same as `transactions`, under the name that search pages use.",
    )
    transactions: Connection[Transaction] | None = root(
        transactions.search,
        key=_transactions,
        of=Transaction.of,
        order="transactions",
        paging=LONG,
        cost=2,
        arguments={
            "wallet": "Only those that it signed, or that called or paid it.",
            "chain": "All of this chain.",
            "filter": TRANSACTION_FILTER,
        },
        description="Transactions, newest first. A `wallet` or a `chain` must be given.",
    )
    transfer: Transfer | None = root(
        transfers.by_ids,
        key=_transfer,
        of=Transfer.of,
        arguments={"id": "Its `transferId`, such as `eip155:1:0x…:log:7`."},
        description="One transfer; null when it is not loaded.",
    )
    transfers: Connection[Transfer] | None = root(
        transfers.search,
        key=_transfers,
        of=Transfer.of,
        order="transfers",
        paging=LONG,
        cost=2,
        arguments={
            "wallet": "Only those that it sent or received.",
            "chain": "All of this chain.",
            "filter": TRANSFER_FILTER,
        },
        description=f"Transfers, newest first. {_IN_ONE_OF}",
    )
    recent_transfers: list[Transfer] | None = root(
        _recent,
        of=Transfer.of,
        paging=_RECENT,
        arguments={"chain": "Only of this chain; of all chains when not given."},
        description="The newest transfers that are loaded, by their time.",
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
