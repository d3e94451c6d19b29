"""Weaker evidence: who lets whom spend, who paid whose first coins, who pays whose fees.

None of it merges wallets by default; it is reported, and a question may ask for it.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec

from graph_api.analysis.clustering.facts import Facts, Move
from graph_api.domain.clusters import Evidence, Heuristic, link
from graph_api.domain.ids import AccountId
from graph_api.domain.records import Approval, WalletKind

DAY_MS: Final = 86_400_000


class HabitRules(msgspec.Struct, frozen=True, kw_only=True):
    """Where the lines are drawn.

    Args:
        most_owners: A spender that more owners trust offers a service.
        most_funded: Who pays the first coins of more wallets pays them for others.
        funded_within_ms: Two wallets were set up together when at most this lies between.
        most_payers_for: Who pays the fees of more wallets does it as a service.
        least_paid: Fees that one pays for another by habit, not once.
    """

    most_owners: int = 5
    most_funded: int = 20
    funded_within_ms: int = 7 * DAY_MS
    most_payers_for: int = 5
    least_paid: int = 2


def self_authorisation(facts: Facts, rules: HabitRules) -> Iterator[Evidence]:
    """An owner and the person whom it lets spend its tokens.

    The spender is known to have a key, carries no warning, and few trust it.
    Source: Victor (FC 2020), self-authorisation; the guards are ours.
    """
    for spender, approvals in facts.approved.items():
        says = facts.says(spender)
        if facts.kinds.get(spender) is not WalletKind.EOA or says.service or says.illicit:
            continue
        first: dict[AccountId, Approval] = {}
        for approval in sorted(approvals.values(), key=_of_approval):
            if approval.amount_raw > 0 and approval.owner != spender:
                first.setdefault(approval.owner, approval)
        if len(first) > rules.most_owners:
            continue
        for owner, approval in first.items():
            if facts.is_personal(owner):
                yield link(
                    Heuristic.SELF_AUTHORISATION,
                    owner,
                    spender,
                    transaction=approval.transaction,
                    block_number=approval.block_number,
                )


def first_funder(facts: Facts, rules: HabitRules, deposits: set[AccountId]) -> Iterator[Evidence]:
    """Wallets whose first coins one person paid within a few days, each with the next.

    The first that is loaded is taken for the first there is.
    Source: common practice of analysts (shared funder, services excluded); lines are ours.
    """
    funded: dict[AccountId, list[Move]] = defaultdict(list)
    for wallet, received in facts.received.items():
        coins = [move for move in received if move.token == facts.native and move.amount_raw]
        if not coins or any(move.block_time is None for move in coins):
            continue
        first = min(coins, key=_of_move)
        funder = first.sender
        if funder is None or funder == wallet or wallet in deposits:
            continue
        if facts.is_personal(funder) and facts.is_personal(wallet):
            funded[funder].append(first)
    for gifts in funded.values():
        if len(gifts) > rules.most_funded:
            continue
        gifts.sort(key=_of_move)
        for earlier, later in pairwise(gifts):
            if (later.block_time or 0) - (earlier.block_time or 0) <= rules.funded_within_ms:
                yield link(
                    Heuristic.FIRST_FUNDER,
                    earlier.recipient,
                    later.recipient,
                    transaction=later.transaction,
                    block_number=later.block_number,
                )


def fee_payer(facts: Facts, rules: HabitRules) -> Iterator[Evidence]:
    """Whoever sends value on Solana, and who pays the fees for it again and again.

    Token accounts are no wallets there: on loading, what they move is their owners'.
    Source: common practice of analysts (fee payer other than owner); lines are ours.
    """
    paid: dict[AccountId, dict[AccountId, dict[str, Move]]] = defaultdict(lambda: defaultdict(dict))
    for wallet, sent in facts.sent.items():
        for move in sent:
            payer = facts.payers.get(move.transaction) if move.transaction else None
            if payer is not None and payer != wallet and move.transaction is not None:
                known = paid[payer][wallet]
                known[move.transaction] = min(known.get(move.transaction, move), move, key=_of_move)
    for payer, wallets in paid.items():
        if len(wallets) > rules.most_payers_for or not facts.is_personal(payer):
            continue
        for wallet, moves in wallets.items():
            if len(moves) >= rules.least_paid and facts.is_personal(wallet):
                # It is a habit from the time on that makes it one.
                since = sorted(moves.values(), key=_of_move)[rules.least_paid - 1]
                yield link(
                    Heuristic.FEE_PAYER,
                    payer,
                    wallet,
                    transaction=since.transaction,
                    block_number=since.block_number,
                )


def _of_move(move: Move) -> tuple[int, int, str, str]:
    return move.block_time or 0, move.block_number or 0, move.order, move.recipient


def _of_approval(approval: Approval) -> tuple[int, int, str]:
    return approval.block_time or 0, approval.block_number or 0, approval.id
