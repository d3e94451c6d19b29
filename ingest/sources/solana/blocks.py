"""A block as records: its transactions, what they moved, and what it paid."""

from graph_api.domain.errors import BadInput
from graph_api.domain.records import Block, Reject
from ingest.providers.faults import FalseBalances
from ingest.sources.chain import BlockFacts, BlockRef
from ingest.sources.chain_records import ChainRecords
from ingest.sources.solana.answers import BlockAnswer, TransactionAnswer, execution
from ingest.sources.solana.books import Unbalanced
from ingest.sources.solana.records import Page


def block_ref(answer: BlockAnswer, slot: int) -> BlockRef:
    """The block's place; blocks of the first weeks tell no time, and have 0 there."""
    return BlockRef(
        number=slot,
        hash=answer.blockhash,
        parent_hash=answer.previous_blockhash,
        time=(answer.block_time or 0) * 1000,
    )


def block_facts(answer: BlockAnswer, slot: int, chain: ChainRecords) -> BlockFacts:
    """Everything that the block says; a transaction that cannot be understood is a reject.

    Raises: FalseBalances.
    """
    ref = block_ref(answer, slot)
    time = None if answer.block_time is None else ref.time
    page = Page(chain, number=slot, time=time)
    rejects: list[Reject] = []
    signatures: set[str] = set()
    for index, told in enumerate(answer.transactions):
        try:
            done = execution(told, index)
            if done.signature in signatures:
                raise FalseBalances(f"Block {slot} lists transaction {done.signature[:90]} twice.")
            signatures.add(done.signature)
            page.write(done)
        except Unbalanced as error:
            raise FalseBalances(f"Block {slot}, transaction {index}: {error}") from None
        except BadInput as error:
            rejects.append(_reject(told, str(error), chain, slot=slot, index=index))
    page.reward(answer.rewards or ())
    block = Block(
        chain=chain.id,
        number=slot,
        hash=answer.blockhash,
        parent_hash=answer.previous_blockhash,
        time=time,
    )
    return BlockFacts(ref=ref, records=(block, *page.records()), rejects=tuple(rejects))


def _reject(
    told: TransactionAnswer, reason: str, chain: ChainRecords, *, slot: int, index: int
) -> Reject:
    said = told.transaction
    row = said[0][:200] if isinstance(said, list) else ",".join(said.signatures[:1])
    return Reject(file=f"{chain.chain.slug} block {slot}", line=index, reason=reason, row=row)
