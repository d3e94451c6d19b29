"""What one account sent and received of tokens, looked up in a node's logs without its blocks.

Only a node's index is asked, so nothing proves that it left none out: what is followed block by
block is held against each block's bloom instead.
"""

from collections.abc import Sequence

from graph_api.domain.ids import AccountId, address_of
from graph_api.domain.records import Reject
from ingest.providers.endpoints import Endpoint
from ingest.providers.faults import Behind, WrongBlock
from ingest.providers.rpc import Call
from ingest.sources.chain import BlockFacts
from ingest.sources.chain_records import ChainRecords
from ingest.sources.evm import checks
from ingest.sources.evm.answers import BlockHead, LogAnswer, number
from ingest.sources.evm.blocks import events
from ingest.sources.evm.log_windows import logs_between
from ingest.sources.evm.logs import DEPOSIT, TRANSFER, WITHDRAWAL
from ingest.sources.evm.node import ref_of, sound


async def transfers_of(
    endpoint: Endpoint,
    account: AccountId,
    chain: ChainRecords,
    *,
    first: int,
    last: int,
    log_window: int,
) -> list[BlockFacts]:
    """The blocks of ``first..last`` in which ``account`` moved tokens, with those transfers,
    the newest first.

    Raises: EndpointFault.
    """
    own = "0x" + "0" * 24 + address_of(account).removeprefix("0x")
    found: dict[tuple[int, int], LogAnswer] = {}
    # Coins that are wrapped tell of it by logs of one account alone.
    for topics in ([[TRANSFER, DEPOSIT, WITHDRAWAL], own], [TRANSFER, None, own]):
        for log in await logs_between(endpoint, first, last, largest=log_window, topics=topics):
            found[number(log.block_number), number(log.log_index)] = log
    by_block: dict[int, list[LogAnswer]] = {}
    for (block, _), log in sorted(found.items()):
        by_block.setdefault(block, []).append(log)
    heads = await _heads(endpoint, list(by_block))
    facts = [_facts(*one, chain) for one in zip(heads, by_block.values(), strict=True)]
    return facts[::-1]


async def _heads(endpoint: Endpoint, blocks: Sequence[int]) -> list[BlockHead]:
    """When those blocks were."""
    calls = [Call("eth_getBlockByNumber", (hex(block), False)) for block in blocks]
    answers = await endpoint.batch(calls, BlockHead) if calls else []
    heads = []
    for block, call, answer in zip(blocks, calls, answers, strict=True):
        if (head := sound(answer, call)) is None:
            raise Behind(f"It has logs of block {block}, but not the block.")
        checks.number_is(head, block)
        heads.append(head)
    return heads


def _facts(head: BlockHead, logs: Sequence[LogAnswer], chain: ChainRecords) -> BlockFacts:
    if any(log.block_hash != head.hash for log in logs):
        raise WrongBlock(f"Its logs of block {number(head.number)} are of another block.")
    ref = ref_of(head)
    told = list(events(iter(logs), chain, block_time=ref.time))
    return BlockFacts(
        ref=ref,
        records=tuple(one for one in told if not isinstance(one, Reject)),
        rejects=tuple(one for one in told if isinstance(one, Reject)),
    )
