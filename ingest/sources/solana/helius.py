"""Payloads in Helius' shape: transactions with names for what they do, or as nodes tell them.

The named transfers of an enhanced payload are rounded to floats and have no place in their
transaction, so they are not read. It also carries the instructions, and how each balance changed:
from these come the same transfers under the same ids as a node's block gives, and a later reading
of the block finds them already there. Where the payload says too little for that (above all whose a
token account is) the transaction is a reject, to be fetched by its signature.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import base58
import msgspec
from solders.pubkey import Pubkey

from graph_api.domain.errors import BadInput
from graph_api.domain.records import Record, Reject
from ingest.sources.chain_records import ChainRecords
from ingest.sources.solana.answers import TransactionAnswer, execution
from ingest.sources.solana.books import Books
from ingest.sources.solana.effects import Closed, Effect, Handed, Opened
from ingest.sources.solana.execution import Execution, Holding, Step
from ingest.sources.solana.instructions import effects, is_read
from ingest.sources.solana.programs import NATIVE_MINTS, NOBODY, TOKEN, TOKEN_2022
from ingest.sources.solana.records import Page


class _RawAmount(msgspec.Struct, rename="camel"):
    token_amount: str
    decimals: int


class _TokenChange(msgspec.Struct, rename="camel"):
    user_account: str
    token_account: str
    mint: str
    raw_token_amount: _RawAmount


class _Account(msgspec.Struct, rename="camel"):
    account: str
    native_balance_change: int
    token_balance_changes: list[_TokenChange] = []


class _TokenTransfer(msgspec.Struct, rename="camel"):
    mint: str
    from_user_account: str | None = None
    to_user_account: str | None = None
    from_token_account: str | None = None
    to_token_account: str | None = None


class _Inner(msgspec.Struct, rename="camel"):
    program_id: str
    accounts: list[str] = []
    data: str = ""


class _Instruction(_Inner, rename="camel"):
    inner_instructions: list[_Inner] = []


class _Enhanced(msgspec.Struct, rename="camel"):
    signature: str
    slot: int
    fee: int
    fee_payer: str
    timestamp: int | None = None
    transaction_error: Any = None
    instructions: list[_Instruction] = []
    account_data: list[_Account] = []
    token_transfers: list[_TokenTransfer] = []


class _Raw(TransactionAnswer, rename="camel", kw_only=True):
    slot: int
    block_time: int | None = None
    index_within_block: int | None = None


def decode(payload: bytes, chain: ChainRecords) -> tuple[list[Record], list[Reject]]:
    """The records of a payload: one transaction, or a list of them, enhanced or raw.

    A transaction that cannot be read is a reject. Raises: BadInput when nothing can.
    """
    try:
        told = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadInput("The payload is no JSON.") from None
    items = told if isinstance(told, list) else [told]
    records: list[Record] = []
    rejects: list[Reject] = []
    for number, item in enumerate(items):
        try:
            records += _records(item, chain)
        except (BadInput, msgspec.ValidationError) as error:
            signature = str(item.get("signature", ""))[:100] if isinstance(item, dict) else ""
            rejects.append(
                Reject(file="helius", line=number, reason=_sentence(error), row=signature)
            )
    return records, rejects


def _records(item: Any, chain: ChainRecords) -> Iterator[Record]:
    if isinstance(item, dict) and "meta" in item:
        raw = msgspec.convert(item, _Raw)
        slot, seconds, done = raw.slot, raw.block_time, execution(raw, raw.index_within_block)
    else:
        told = msgspec.convert(item, _Enhanced)
        slot, seconds, done = told.slot, told.timestamp, _execution(told)
    page = Page(chain, number=slot, time=None if seconds is None else seconds * 1000)
    page.write(done)
    return page.records()


def _execution(told: _Enhanced) -> Execution:
    failed = told.transaction_error is not None
    if not failed and not told.instructions:
        raise BadInput("The payload has no instructions.")
    called = list(_called(told.instructions))
    steps = () if failed else tuple(_steps(called))
    everything = [effect for step in steps for effect in step.effects]
    holdings = _holdings(told)
    lamports = {one.account: one.native_balance_change for one in told.account_data}
    ended = {effect.account for effect in everything if isinstance(effect, Closed)}
    done = Execution(
        signature=told.signature,
        index=None,
        payer=told.fee_payer,
        failed=failed,
        fee=told.fee,
        units=None,
        steps=steps,
        # What ends with nothing had what it lost; all others start from zero.
        lamports_before={one: -lamports.get(one, 0) for one in ended},
        lamports_after={one: change for one, change in lamports.items() if one not in ended},
        tokens_before={
            account: held._replace(amount_raw=-held.amount_raw if account in ended else 0)
            for account, held in holdings.items()
        },
        tokens_after={one: held for one, held in holdings.items() if one not in ended},
        decimals={
            change.mint: change.raw_token_amount.decimals
            for one in told.account_data
            for change in one.token_balance_changes
        },
        programs=frozenset(instruction.program_id for _, instruction in called),
        exact=False,
    )
    _check_balances(everything)
    _check_owners(done, called)
    return done


def _called(instructions: Sequence[_Instruction]) -> Iterator[tuple[str, _Inner]]:
    for number, instruction in enumerate(instructions):
        yield str(number), instruction
        for count, inner in enumerate(instruction.inner_instructions, 1):
            yield f"{number}.{count}", inner


def _steps(called: Sequence[tuple[str, _Inner]]) -> Iterator[Step]:
    for place, told in called:
        if found := _effects(told):
            yield Step(place, found)


def _effects(told: _Inner) -> tuple[Effect, ...]:
    if not is_read(told.program_id):
        return ()
    try:
        data = base58.b58decode(told.data)
    except ValueError:
        raise BadInput("The data of an instruction is no base58.") from None
    return effects(told.program_id, told.accounts, data)


def _holdings(told: _Enhanced) -> dict[str, Holding]:
    """Token accounts by what the payload says of them, with how much they changed."""
    found: dict[str, Holding] = {}
    for moved in told.token_transfers:
        for account, owner in (
            (moved.from_token_account, moved.from_user_account),
            (moved.to_token_account, moved.to_user_account),
        ):
            if account and owner:
                found[account] = Holding(moved.mint, owner, 0)
    for one in told.account_data:
        for change in one.token_balance_changes:
            amount = int(change.raw_token_amount.token_amount)
            found[change.token_account] = Holding(change.mint, change.user_account, amount)
    return found


def _check_balances(everything: Sequence[Effect]) -> None:
    """That no effect depends on a balance which changes alone do not tell."""
    ended: set[str] = set()
    for effect in everything:
        if isinstance(effect, Handed) or (isinstance(effect, Opened) and effect.account in ended):
            raise BadInput(f"The payload does not say what the account {effect.account} held.")
        if isinstance(effect, Closed):
            ended.add(effect.account)


def _check_owners(done: Execution, called: Sequence[tuple[str, _Inner]]) -> None:
    """That nothing is booked to a token account: a node would tell its owner, another wallet.

    A payload names the owners of token accounts whose tokens changed, and of no others. An address
    off the curve, which is no one's key, may be such an account unless it is known as an owner.
    """
    opened = [e for step in done.steps for e in step.effects if isinstance(e, Opened)]
    accounts = {*(done.tokens_before or ()), *(one.account for one in opened)}
    owners = {one for held in (done.tokens_before or {}).values() for one in held[:2]}
    owners |= {one.owner for one in opened} | {*NATIVE_MINTS, NOBODY}
    for _, told in called if not done.failed else ():
        if told.program_id in (TOKEN, TOKEN_2022):
            for effect in _effects(told):
                if isinstance(effect, Closed) and effect.account not in accounts:
                    raise _ownerless(effect.account)
    books = Books(done)
    if not done.failed:
        books.close()
    for move in books.moves:
        for address in (move.source, move.destination):
            if address is not None and address not in owners and _may_be_token_account(address):
                raise _ownerless(address)


@lru_cache(maxsize=65_536)
def _may_be_token_account(address: str) -> bool:
    try:
        return not Pubkey.from_string(address).is_on_curve()
    except ValueError:
        raise BadInput(f"{address[:60]!r} is no Solana address.") from None


def _ownerless(account: str) -> BadInput:
    return BadInput(f"The payload does not say whether {account} is a token account, and whose.")


def _sentence(error: Exception) -> str:
    return f"{str(error).rstrip('.')}. Fetch the transaction by its signature."
