"""A transaction and what came of it, in one form, whoever told it."""

from typing import NamedTuple

import msgspec

from ingest.sources.solana.effects import Effect


class Holding(NamedTuple):
    """A token account's balance; nodes of the first years do not tell the owner."""

    mint: str
    owner: str | None
    amount_raw: int


class Step(NamedTuple):
    """One instruction that had effects.

    ``place`` is ``n`` for the n-th of the transaction (from 0) and ``n.m`` for the m-th that it
    called in turn (from 1), so that ``n.0`` is free for what more the n-th itself does.
    """

    place: str
    effects: tuple[Effect, ...]


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One executed transaction.

    Balances are by account: lamports of every account it names, tokens of every token account;
    None where nobody told them. ``exact`` says that balances before are the true ones: otherwise
    they start from zero and only their changes count. ``programs`` are those it called.
    """

    signature: str
    index: int | None
    payer: str
    failed: bool
    fee: int
    units: int | None
    steps: tuple[Step, ...]
    lamports_before: dict[str, int]
    lamports_after: dict[str, int]
    tokens_before: dict[str, Holding] | None
    tokens_after: dict[str, Holding] | None
    decimals: dict[str, int]
    programs: frozenset[str]
    exact: bool = True
