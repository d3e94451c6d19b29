"""A block as records: every script's owner, every input's coin where somebody tells it."""

from collections.abc import Mapping
from functools import lru_cache

from graph_api.domain.chains import Chain
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    account_id,
    output_id,
    spent_output_id,
    utxo_transaction_id,
)
from graph_api.domain.records import Block, Output, Spend, UtxoTransaction
from graph_api.domain.scripts import address_of_script, is_key_script
from ingest.providers.faults import FalseMoney
from ingest.sources.bitcoin.answers import PlainBlock
from ingest.sources.bitcoin.checks import check_block, check_money
from ingest.sources.bitcoin.serialized import Coin, PlainTransaction, Point
from ingest.sources.chain import BlockFacts, BlockRef
from ingest.sources.files.utxo import whole


def block_facts(
    block: PlainBlock, chain: Chain, *, number: int, elsewhere: Mapping[Point, Coin]
) -> BlockFacts:
    """Everything that ``block`` says; ``elsewhere`` are coins that its node did not tell.

    An input whose coin nobody tells has neither owner nor amount: its output has both.
    Raises: Lie when the block cannot be true.
    """
    check_block(block)
    made = {
        Point(transaction.txid, number): coin
        for transaction in block.transactions
        for number, coin in enumerate(transaction.outputs)
    }
    reference = BlockRef(
        number=number,
        hash=block.hash,
        parent_hash=block.header.parent_hash,
        time=block.header.time * 1000,
    )

    def coin_of(point: Point) -> Coin | None:
        return made.get(point) or block.spent.get(point) or elsewhere.get(point)

    transactions = []
    for index, plain in enumerate(block.transactions):
        spends = tuple(spend_of(point, coin_of(point), chain) for point in plain.inputs)
        transactions.append(transaction_of(plain, spends, chain, block=reference, index=index))
    check_money(transactions, height=number, chain=chain)
    return BlockFacts(ref=reference, records=(_block(reference, chain), *transactions))


def unknown_coins(block: PlainBlock) -> list[Point]:
    """What the block spends and neither makes itself nor was told with it, in its order."""
    made = {
        Point(transaction.txid, number)
        for transaction in block.transactions
        for number in range(len(transaction.outputs))
    }
    return [
        point
        for transaction in block.transactions
        for point in transaction.inputs
        if point not in made and point not in block.spent
    ]


def _block(reference: BlockRef, chain: Chain) -> Block:
    return Block(
        chain=ChainId(chain.id),
        number=reference.number,
        hash=reference.hash,
        parent_hash=reference.parent_hash,
        time=reference.time,
    )


def transaction_of(
    plain: PlainTransaction,
    spends: tuple[Spend, ...],
    chain: Chain,
    *,
    block: BlockRef,
    index: int | None,
) -> UtxoTransaction:
    """A transaction of ``block``. Raises: FalseMoney when it pays more than it has."""
    identity = utxo_transaction_id(chain, plain.txid, block.number)
    record = UtxoTransaction(
        id=identity,
        chain=ChainId(chain.id),
        hash=plain.txid,
        block_number=block.number,
        block_time=block.time,
        index=index,
        coinbase=plain.coinbase,
        inputs=spends,
        outputs=tuple(
            _output(output_id(identity, number), coin, chain)
            for number, coin in enumerate(plain.outputs)
        ),
    )
    try:
        return whole(record)
    except BadInput as error:
        raise FalseMoney(f"Transaction {plain.txid} cannot be: {error}") from None


def spend_of(point: Point, coin: Coin | None, chain: Chain) -> Spend:
    """The spending of an output, with its owner and amount where its coin is known."""
    return Spend(
        output=spent_output_id(chain, point.txid, point.number),
        owner=None if coin is None else owner(chain, coin.script),
        amount_raw=None if coin is None else coin.amount_raw,
    )


def _output(identity: str, coin: Coin, chain: Chain) -> Output:
    account = owner(chain, coin.script)
    tells_more = coin.script and (account is None or is_key_script(coin.script))
    return Output(
        id=identity,
        owner=account,
        amount_raw=coin.amount_raw,
        script=coin.script if tells_more else None,
    )


@lru_cache(maxsize=65_536)
def owner(chain: Chain, script: str) -> AccountId | None:
    """Whom a script pays, if one address can say it."""
    address = address_of_script(script)
    return None if address is None else account_id(chain, address)
