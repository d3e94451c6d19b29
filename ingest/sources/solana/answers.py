"""What ``getBlock`` answers, in one form whatever its encoding: json, jsonParsed or base64."""

from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import base58
import msgspec
from solders.transaction import VersionedTransaction

from graph_api.domain.errors import BadInput
from ingest.sources.solana.effects import Effect
from ingest.sources.solana.execution import Execution, Holding, Step
from ingest.sources.solana.instructions import effects as effects_of_bytes
from ingest.sources.solana.instructions import is_read
from ingest.sources.solana.parsed import effects as effects_of_parsed

_NO_ADDRESSES: Final[dict[str, list[str]]] = {}


class _Amount(msgspec.Struct):
    amount: str
    decimals: int


class _TokenBalance(msgspec.Struct, rename="camel"):
    account_index: int
    mint: str
    ui_token_amount: _Amount
    owner: str | None = None


class InstructionAnswer(msgspec.Struct, rename="camel"):
    """Any of: indices and data; a program, accounts and data; a program and what was parsed."""

    program_id_index: int | None = None
    program_id: str | None = None
    accounts: list[int | str] = []
    data: str = ""
    parsed: Any = None
    raw: bytes | None = None


class _Inner(msgspec.Struct):
    index: int
    instructions: list[InstructionAnswer]


class MetaAnswer(msgspec.Struct, rename="camel"):
    """What came of a transaction."""

    fee: int
    pre_balances: list[int]
    post_balances: list[int]
    err: Any = None
    inner_instructions: list[_Inner] | None = None
    pre_token_balances: list[_TokenBalance] | None = None
    post_token_balances: list[_TokenBalance] | None = None
    loaded_addresses: dict[str, list[str]] | None = None
    compute_units_consumed: int | None = None


class _Key(msgspec.Struct):
    pubkey: str


class _Message(msgspec.Struct, rename="camel"):
    account_keys: list[str | _Key]
    instructions: list[InstructionAnswer]


class _Transaction(msgspec.Struct):
    signatures: list[str]
    message: _Message


class TransactionAnswer(msgspec.Struct):
    """A transaction of a block: as JSON, or as its bytes with the name of their encoding."""

    transaction: _Transaction | list[str]
    meta: MetaAnswer | None = None


class RewardAnswer(msgspec.Struct, rename="camel"):
    """What a block paid to somebody, or took as rent."""

    pubkey: str
    lamports: int
    reward_type: str | None = None


class BlockAnswer(msgspec.Struct, rename="camel"):
    """A block; without ``transactions`` where they were not asked for."""

    blockhash: str
    previous_blockhash: str
    parent_slot: int
    block_time: int | None = None
    transactions: list[TransactionAnswer] = []
    rewards: list[RewardAnswer] | None = None


class Called(NamedTuple):
    """One instruction: its program, and how to learn what it did."""

    program: str
    effects: tuple[Effect, ...]


def execution(answer: TransactionAnswer, index: int | None) -> Execution:
    """The transaction in our form. Raises: BadInput when it cannot be understood."""
    told, meta = answer.transaction, answer.meta
    if meta is None:
        raise BadInput("The node kept the transaction and not what came of it.")
    signature, keys, outer = _of_bytes(told) if isinstance(told, list) else _of_json(told)
    if len(keys) < len(meta.pre_balances):
        loaded = meta.loaded_addresses or _NO_ADDRESSES
        keys = [*keys, *loaded.get("writable", ()), *loaded.get("readonly", ())]
    if not len(keys) == len(meta.pre_balances) == len(meta.post_balances):
        raise BadInput(
            f"The transaction names {len(keys)} accounts and tells the balances of "
            f"{len(meta.pre_balances)} before and {len(meta.post_balances)} after."
        )
    return executed(
        signature, index, keys=keys, outer=outer, meta=meta, failed=meta.err is not None
    )


def executed(
    signature: str,
    index: int | None,
    *,
    keys: Sequence[str],
    outer: Sequence[InstructionAnswer],
    meta: MetaAnswer,
    failed: bool,
) -> Execution:
    """A transaction from its parts, ``keys`` being all accounts that it names. Raises: BadInput."""
    try:
        called = list(_called(outer, meta, keys, failed=failed))
        before = _holdings(meta.pre_token_balances, keys)
        after = _holdings(meta.post_token_balances, keys)
    except IndexError:
        raise BadInput("The transaction refers to an account that it does not name.") from None
    balances = [*(meta.pre_token_balances or ()), *(meta.post_token_balances or ())]
    return Execution(
        signature=signature,
        index=index,
        payer=keys[0],
        failed=failed,
        fee=meta.fee,
        units=meta.compute_units_consumed,
        steps=tuple(Step(place, one.effects) for place, one in called if one.effects),
        lamports_before=dict(zip(keys, meta.pre_balances, strict=True)),
        lamports_after=dict(zip(keys, meta.post_balances, strict=True)),
        tokens_before=before,
        tokens_after=after,
        decimals={told.mint: told.ui_token_amount.decimals for told in balances},
        programs=frozenset(one.program for _, one in called),
    )


def _of_json(told: _Transaction) -> tuple[str, list[str], list[InstructionAnswer]]:
    keys = [key if isinstance(key, str) else key.pubkey for key in told.message.account_keys]
    if not told.signatures or not keys:
        raise BadInput("The transaction has no signature or names no account.")
    return told.signatures[0], keys, told.message.instructions


def _of_bytes(told: list[str]) -> tuple[str, list[str], list[InstructionAnswer]]:
    text, encoding = told
    if encoding != "base64":
        raise BadInput(f"The transaction comes as {encoding[:20]!r}; ask for base64 or json.")
    try:
        transaction = VersionedTransaction.from_bytes(b64decode(text, validate=True))
    except ValueError as error:
        raise BadInput(f"The transaction's bytes cannot be read: {error}.") from None
    message = transaction.message
    return (
        str(transaction.signatures[0]),
        [str(key) for key in message.account_keys],
        [
            InstructionAnswer(
                program_id_index=one.program_id_index,
                accounts=list(one.accounts),
                raw=bytes(one.data),
            )
            for one in message.instructions
        ],
    )


def _called(
    outer: Sequence[InstructionAnswer], meta: MetaAnswer, keys: Sequence[str], *, failed: bool
) -> Iterator[tuple[str, Called]]:
    inner = {told.index: told.instructions for told in meta.inner_instructions or ()}
    for number, instruction in enumerate(outer):
        yield str(number), call(instruction, keys, failed=failed)
        for count, called in enumerate(inner.get(number, ()), 1):
            yield f"{number}.{count}", call(called, keys, failed=failed)


def call(told: InstructionAnswer, keys: Sequence[str], *, failed: bool) -> Called:
    """An instruction with its effects; one of a failed transaction has none."""
    program = told.program_id if told.program_id_index is None else keys[told.program_id_index]
    if program is None:
        raise BadInput("An instruction names no program.")
    if failed or not is_read(program):
        return Called(program, ())
    if isinstance(told.parsed, dict):
        kind, info = told.parsed.get("type"), told.parsed.get("info")
        if isinstance(kind, str) and isinstance(info, dict):
            return Called(program, effects_of_parsed(program, kind, info))
    accounts = [keys[one] if isinstance(one, int) else one for one in told.accounts]
    return Called(program, effects_of_bytes(program, accounts, _data(told)))


def _data(told: InstructionAnswer) -> bytes:
    if told.raw is not None:
        return told.raw
    try:
        return base58.b58decode(told.data)
    except ValueError:
        raise BadInput("The data of an instruction is no base58.") from None


def _holdings(
    told: Sequence[_TokenBalance] | None, keys: Sequence[str]
) -> dict[str, Holding] | None:
    if told is None:
        return None
    return {
        keys[one.account_index]: Holding(one.mint, one.owner, int(one.ui_token_amount.amount))
        for one in told
    }
