"""Blocks of the validator, read; and what each wallet gained by two ways of counting."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import account_id, native_token, token_id
from graph_api.domain.records import Record, Transaction, Transfer
from ingest.sources.chain_records import ChainRecords
from ingest.sources.solana.answers import BlockAnswer
from ingest.sources.solana.blocks import block_facts
from tests.ingest.sources.solana.validator import FIRST_TIME, WRAPPED, Done, told

SOLANA = chain_of("solana")
SOL = native_token(SOLANA)
CHAIN = ChainRecords(SOLANA, decimals={})

Changes = dict[tuple[str, str], int]


def read(*done: Done, encoding: str = "json") -> list[Record]:
    """The records of a block of ``done``, without the block's own; none may be refused."""
    block = {
        "blockhash": "b",
        "previousBlockhash": "a",
        "parentSlot": 8,
        "blockTime": FIRST_TIME + 9,
        "transactions": [told(one, encoding) for one in done],
        "rewards": [],
    }
    answer = msgspec.json.decode(msgspec.json.encode(block), type=BlockAnswer)
    facts = block_facts(answer, 9, CHAIN)
    assert not facts.rejects, facts.rejects
    return list(facts.records[1:])


def transfers(records: Iterable[Record]) -> list[Transfer]:
    return [record for record in records if isinstance(record, Transfer)]


def moved(records: Iterable[Record]) -> list[tuple[str, str | None, str, str | None, int | None]]:
    """Transfers in short: position, sender, recipient, token, amount; SOL's token is None."""
    return [
        (
            one.position,
            one.sender and one.sender.rpartition(":")[2],
            one.recipient.rpartition(":")[2],
            None if one.token == SOL else (one.token or "").rpartition(":")[2],
            one.amount_raw,
        )
        for one in transfers(records)
    ]


def told_changes(records: Iterable[Record]) -> Changes:
    """What each wallet gained of each token, by the transfers and fees."""
    changes: Changes = defaultdict(int)
    for record in records:
        if isinstance(record, Transaction):
            changes[record.sender, SOL] -= record.fee_raw or 0
        if isinstance(record, Transfer) and record.token and record.amount_raw is not None:
            if record.sender:
                changes[record.sender, record.token] -= record.amount_raw
            changes[record.recipient, record.token] += record.amount_raw
    return {key: change for key, change in changes.items() if change}


def true_changes(done: Iterable[Done]) -> Changes:
    """The same by the accounts of the runtime. Nobody's and mints' own tokens are left out."""
    changes: Changes = defaultdict(int)
    for one in done:
        for moment, sign in ((0, -1), (1, 1)):
            states, owners = one.tokens[moment], one.tokens[0] | one.tokens[1]
            for key, lamports in zip(one.keys, one.lamports[moment], strict=True):
                state = states.get(key) or owners.get(key)
                holder = key
                if state is not None:
                    holder = state.mint if state.mint == WRAPPED else state.owner
                changes[account_id(SOLANA, holder), SOL] += sign * lamports
            for state in states.values():
                owner = account_id(SOLANA, state.owner)
                changes[owner, token_id(SOLANA, state.mint)] += sign * state.amount
    return {key: change for key, change in changes.items() if change}
