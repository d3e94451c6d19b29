"""A block of a node's answers as records: what decoding gives, whoever asked for it."""

from collections.abc import Iterator

from graph_api.domain.errors import BadInput
from graph_api.domain.records import Record, Reject
from ingest.sources.chain import BlockFacts
from ingest.sources.chain_records import BlockPlace, ChainRecords
from ingest.sources.evm import logs
from ingest.sources.evm.answers import LogAnswer, number
from ingest.sources.evm.internal import failed_transactions, internal_transfers
from ingest.sources.evm.node import BlockAnswers, ref_of
from ingest.sources.evm.transactions import block_of, transactions


def facts_of(answers: BlockAnswers, chain: ChainRecords) -> BlockFacts:
    """Everything that the block says."""
    block = answers.block
    records: list[Record] = [block_of(block, chain)]
    failed = failed_transactions(answers.steps)
    records += transactions(block, answers.receipts, chain, failed=failed)
    rejects: list[Reject] = []
    of_block = (log for receipt in answers.receipts for log in receipt.logs)
    for found in events(of_block, chain, block_time=number(block.timestamp) * 1000):
        if isinstance(found, Reject):
            rejects.append(found)
        else:
            records.append(found)
    records += internal_transfers(
        answers.steps,
        chain,
        block_number=number(block.number),
        block_time=number(block.timestamp) * 1000,
    )
    return BlockFacts(ref=ref_of(block), records=tuple(records), rejects=tuple(rejects))


def events(
    answers: Iterator[LogAnswer], chain: ChainRecords, *, block_time: int | None
) -> Iterator[logs.Event | Reject]:
    """The transfers, approvals and swaps among logs, and those that look like one and are none."""
    said, place = "", BlockPlace.of(None, block_time)
    for answer in answers:
        # Logs of a block follow one another.
        if answer.block_number != said:
            said = answer.block_number
            place = BlockPlace.of(number(said), block_time)
        if transfer := logs.plain_transfer(answer, place, chain):
            yield transfer
            continue
        if not logs.is_read(answer.topics):
            continue
        log = logs.Log(
            transaction=chain.transaction(answer.transaction_hash),
            index=number(answer.log_index),
            address=answer.address,
            topics=answer.topics,
            data=answer.data,
            block_number=place.number,
            block_time=place.time,
        )
        try:
            event = logs.decode(log, chain)
        except (BadInput, ValueError) as error:
            yield _reject(answer, chain, str(error))
            continue
        if event is not None:
            yield event
        elif reason := logs.why_unread(log):
            yield _reject(answer, chain, reason)


def _reject(answer: LogAnswer, chain: ChainRecords, reason: str) -> Reject:
    return Reject(
        file=f"{chain.id}:block:{number(answer.block_number)}",
        line=number(answer.log_index),
        reason=reason,
        row=f"{answer.address} {','.join(answer.topics)} {answer.data}"[:2000],
    )
