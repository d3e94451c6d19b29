"""Single transactions around a wallet, with the wallets or outputs that they move value between."""

from datetime import datetime
from typing import Final

import strawberry

from graph_api.analysis.layout import drawn_at
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import AccountId, TokenId, TransactionId
from graph_api.schema.as_of import AsOf
from graph_api.schema.inputs import TransferFilterInput
from graph_api.schema.ledger import Token, Transaction, Wallet
from graph_api.schema.paging import cursor_of, place_of
from graph_api.schema.scalars import BigInt
from graph_api.schema.steps import batched, root
from graph_api.schema.walks import within
from graph_api.services.transaction_graphs import drawing, exports
from graph_api.services.transaction_graphs.drawing import EdgeKind
from graph_api.services.transaction_graphs.listing import Place, TransactionGraphQuestion
from graph_api.store import tokens, transactions, wallets
from graph_api.store.transfers import TransferFilter

_MOST: Final = 100
_MOST_EACH: Final = 500
_CURSORS: Final = "transaction_graph"

strawberry.enum(
    EdgeKind,
    name="GraphEdgeKind",
    description=(
        "SENT: from a wallet into a transaction. RECEIVED: out of it to a wallet. SPENT: an output "
        "into a transaction. CREATED: out of it an output."
    ),
)


@strawberry.type(description="A transaction of the graph.")
class GraphTransaction:
    """Where it stands, and whether all of it is shown."""

    node_id: str = strawberry.field(
        description="What edges refer to: `chain:hash`; of a transfer that a file tells of without "
        "its transaction, the transfer's id."
    )
    transaction_id: str | None = strawberry.field(
        description="Chain and hash; null where no source tells them."
    )
    transaction_key: strawberry.Private[TransactionId | None]
    block_number: BigInt | None = strawberry.field(description="Its block, where known.")
    block_time: datetime | None = strawberry.field(description="Its time, where known.")
    more: bool = strawberry.field(
        description="Whether it has more transfers, or outputs on one side, than are shown."
    )
    x: float = strawberry.field(description="Where to begin to draw it, -1 to 1, by its id alone.")
    y: float = strawberry.field(description="The other coordinate; both lie in a circle around 0.")

    transaction: Transaction | None = batched(
        transactions.by_ids,
        key="transaction_key",
        of=Transaction.of,
        description="The transaction itself, where it is loaded.",
    )

    @classmethod
    def of(cls, node: drawing.TransactionNode) -> "GraphTransaction":
        """As clients see it."""
        place = drawn_at(node.id)
        return cls(
            node_id=node.id,
            transaction_id=node.transaction,
            transaction_key=node.transaction,
            block_number=None if node.block_number is None else BigInt(node.block_number),
            block_time=node.block_time,
            more=node.more,
            x=place.x,
            y=place.y,
        )


@strawberry.type(description="A wallet of the graph.")
class GraphWallet:
    """On account chains; on UTXO chains outputs name their owners."""

    account_id: AccountId = strawberry.field(description="CAIP-10 id: what edges refer to.")
    x: float = strawberry.field(description="Where to begin to draw it, -1 to 1, by its id alone.")
    y: float = strawberry.field(description="The other coordinate; both lie in a circle around 0.")

    wallet: Wallet | None = batched(
        wallets.by_ids, key="account_id", of=Wallet.of, description="The wallet itself."
    )

    @classmethod
    def of(cls, wallet: AccountId) -> "GraphWallet":
        """As clients see it."""
        place = drawn_at(wallet)
        return cls(account_id=wallet, x=place.x, y=place.y)


@strawberry.type(description="An output of a UTXO chain.")
class GraphOutput:
    """With the transactions on both sides of it, to go on from."""

    output_id: str = strawberry.field(
        description="Chain, hash and number: what edges refer to, and what traces begin with."
    )
    owner_id: AccountId | None = strawberry.field(
        description="CAIP-10 id of the address that it pays; null where no single one does."
    )
    amount_raw: BigInt | None = strawberry.field(description="How much, in satoshi.")
    created_by_id: str | None = strawberry.field(
        description="`chain:hash` of the transaction that created it; null where it is not loaded."
    )
    spent_by_id: str | None = strawberry.field(
        description="`chain:hash` of the transaction that spends it; null while none is loaded."
    )
    x: float = strawberry.field(description="Where to begin to draw it, -1 to 1, by its id alone.")
    y: float = strawberry.field(description="The other coordinate; both lie in a circle around 0.")

    owner: Wallet | None = batched(
        wallets.by_ids, key="owner_id", of=Wallet.of, description="Whom it pays."
    )

    @classmethod
    def of(cls, node: drawing.OutputNode) -> "GraphOutput":
        """As clients see it."""
        place = drawn_at(node.id)
        return cls(
            output_id=node.id,
            owner_id=node.owner,
            amount_raw=None if node.amount_raw is None else BigInt(int(node.amount_raw)),
            created_by_id=node.created_by,
            spent_by_id=node.spent_by,
            x=place.x,
            y=place.y,
        )


@strawberry.type(description="Value on its way into a transaction, or out of it.")
class GraphEdge:
    """Half of a transfer, or an output that is spent or created."""

    edge_id: str = strawberry.field(description="The same in every answer.")
    kind: EdgeKind = strawberry.field(description="What it says.")
    source: str = strawberry.field(description="Id of the node that value comes from.")
    target: str = strawberry.field(description="Id of the node that value goes to.")
    token_id: TokenId | None = strawberry.field(
        description="CAIP-19 id of the token; null for outputs, and where nobody names one."
    )
    amount_raw: BigInt | None = strawberry.field(description="How much, in base units.")
    amount: float | None = strawberry.field(
        description="The same in whole units, rounded; null for outputs, and if unknown."
    )
    transfer_id: str | None = strawberry.field(description="The transfer; null for outputs.")

    token: Token | None = batched(
        tokens.by_ids, key="token_id", of=Token.of, description="What it is; null for outputs."
    )

    @classmethod
    def of(cls, edge: drawing.TransactionEdge) -> "GraphEdge":
        """As clients see it."""
        return cls(
            edge_id=edge.id,
            kind=edge.kind,
            source=edge.source,
            target=edge.target,
            token_id=edge.token,
            amount_raw=None if edge.amount_raw is None else BigInt(int(edge.amount_raw)),
            amount=edge.amount,
            transfer_id=edge.transfer,
        )


@strawberry.type(description="Transactions around a wallet, newest first, and what they moved.")
class TransactionGraph:
    """Nodes and edges to draw. On UTXO chains the nodes are transactions and outputs."""

    transactions: list[GraphTransaction] = strawberry.field(description="The newest first.")
    wallets: list[GraphWallet] = strawberry.field(
        description="The wallet that was asked for, and whoever else took part; empty on UTXO "
        "chains."
    )
    outputs: list[GraphOutput] = strawberry.field(
        description="What the transactions spend and create; empty on account chains."
    )
    edges: list[GraphEdge] = strawberry.field(description="In the direction of value.")
    end_cursor: str | None = strawberry.field(
        description="Pass it as `after` for older transactions; null where there are none."
    )
    stopped: bool = strawberry.field(
        description="True where as many transfers were looked at as one page may cost before it "
        "was full. Nothing is missing up to the cursor: go on from there."
    )
    as_of: AsOf = strawberry.field(description="Up to where the chain was known.")
    found: strawberry.Private[drawing.TransactionGraph]

    export: str | None = batched(
        exports.exports,
        key="found",
        cost=5,
        arguments={"format": "JSON and GRAPHML have nodes and edges, CSV has the edges."},
        description="The graph as the text of a file.",
    )

    @classmethod
    def of(cls, found: drawing.TransactionGraph) -> "TransactionGraph":
        """As clients see it."""
        return cls(
            transactions=[GraphTransaction.of(node) for node in found.transactions],
            wallets=[GraphWallet.of(wallet) for wallet in found.wallets],
            outputs=[GraphOutput.of(node) for node in found.outputs],
            edges=[GraphEdge.of(edge) for edge in found.edges],
            end_cursor=None if found.end is None else _cursor(found.end),
            stopped=found.stopped,
            as_of=AsOf.of(found.as_of),
            found=found,
        )


def _graph(
    wallet: AccountId,
    first: int = 25,
    after: str | None = None,
    per_transaction: int = 50,
    filter: TransferFilterInput | None = None,
    as_of: datetime | None = None,
    as_of_block: BigInt | None = None,
) -> TransactionGraphQuestion:
    return TransactionGraphQuestion(
        wallet=wallet,
        filter=TransferFilter() if filter is None else filter.asked(),
        first=within("first", first, _MOST),
        per_transaction=within("perTransaction", per_transaction, _MOST_EACH),
        after=None if after is None else _place(after),
        as_of=as_of,
        as_of_block=as_of_block,
    )


def _cursor(place: Place) -> str:
    block = "" if place.block is None else place.block
    return cursor_of(_CURSORS, f"{block}|{place.order}")


def _place(cursor: str) -> Place:
    block, _, order = place_of(_CURSORS, cursor).partition("|")
    if not order or not (block.isdecimal() or not block):
        raise BadInput(f"{cursor[:40]!r} is no cursor; pass one that an earlier page returned.")
    return Place(int(block) if block else None, order)


@strawberry.type
class TransactionGraphQuery:
    """Where transaction graphs begin."""

    transaction_graph: TransactionGraph | None = root(
        drawing.graphs,
        key=_graph,
        of=TransactionGraph.of,
        cost=50,
        arguments={
            "wallet": "The wallet around which to look.",
            "first": f"How many transactions: 1 to {_MOST}.",
            "after": "The `endCursor` of the page of newer ones.",
            "per_transaction": "How many transfers of each transaction, or outputs on either side: "
            f"1 to {_MOST_EACH}. The wallet's own are among them, first or not.",
            "filter": "Which transfers of the wallet count; of the transactions that they are in "
            "everything is shown.",
            "as_of": "As the chain was at this moment.",
            "as_of_block": "As the chain was at this block.",
        },
        description=(
            "The transactions that moved value to a wallet or from it, with everything else that "
            "they moved: on account chains between wallets, on UTXO chains from outputs to "
            "outputs, each of which tells which transaction comes next. Transactions that moved "
            "nothing of the wallet are in `wallet { transactions }`."
        ),
    )
