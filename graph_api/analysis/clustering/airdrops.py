"""Airdrops: wallets that pass on exactly what each of them was given, to one place, are one.

Source: Victor (FC 2020), airdrop multi-participation; with a guard of ours: whoever pays for what
is passed on to it buys from strangers.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

import msgspec

from graph_api.analysis.clustering.facts import Facts, Move
from graph_api.domain.clusters import Evidence, Heuristic, link
from graph_api.domain.ids import AccountId, TokenId

DAY_MS: Final = 86_400_000


class AirdropRules(msgspec.Struct, frozen=True, kw_only=True):
    """Where the lines are drawn.

    Args:
        least_recipients: Fewer are a payroll, not an airdrop.
        gap_ms: The median time between two gifts: two Ethereum blocks, rounded up.
        most_gathered: Whoever gathers from more trades in the token.
        paid_within_ms: Who pays a giver within this time buys.
    """

    least_recipients: int = 1_000
    gap_ms: int = 30_000
    most_gathered: int = 200
    paid_within_ms: int = DAY_MS


class Airdrop(NamedTuple):
    """Who gave how much of what, and who got it when first."""

    source: AccountId
    token: TokenId
    amount_raw: int
    gifts: dict[AccountId, Move]


def airdrops(facts: Facts, rules: AirdropRules) -> Iterator[Airdrop]:
    """Equal amounts of a token that one wallet sent to very many in quick succession."""
    for source, sent in sorted(facts.sent.items()):
        if len(sent) < rules.least_recipients or facts.says(source).service:
            continue
        groups: dict[tuple[TokenId, int], dict[AccountId, Move]] = defaultdict(dict)
        for move in sent:
            if move.token is not None and move.amount_raw and move.block_time is not None:
                gifts = groups[move.token, move.amount_raw]
                gifts[move.recipient] = min(gifts.get(move.recipient, move), move, key=_moment)
        for (token, amount), gifts in sorted(groups.items()):
            if len(gifts) >= rules.least_recipients and _is_quick(gifts, rules):
                yield Airdrop(source, token, amount, gifts)


def evidence(facts: Facts, rules: AirdropRules, deposits: set[AccountId]) -> Iterator[Evidence]:
    """Recipients with whom they passed their gift on to; at a deposit address, with each other."""
    for airdrop in airdrops(facts, rules):
        for target, passed in sorted(_gathered(facts, airdrop, rules).items()):
            if not 2 <= len(passed) <= rules.most_gathered:
                continue
            yield from _linked(target, sorted(passed, key=_moment), target in deposits)


def _linked(target: AccountId, passed: list[Move], is_deposit: bool) -> Iterator[Evidence]:
    """A star around the target, or around the first giver: it holds from the second gift on."""
    middle = passed[0].sender if is_deposit else target
    for move in passed[1 if is_deposit else 0 :]:
        later = max(move, passed[1], key=_moment)
        if middle is not None and move.sender is not None:
            yield link(
                Heuristic.AIRDROP,
                middle,
                move.sender,
                transaction=move.transaction,
                block_number=later.block_number,
            )


def _gathered(facts: Facts, airdrop: Airdrop, rules: AirdropRules) -> dict[AccountId, list[Move]]:
    """Where gifts were passed on to, whole and by persons."""
    found: dict[AccountId, list[Move]] = defaultdict(list)
    for recipient, gift in airdrop.gifts.items():
        if not facts.is_personal(recipient):
            continue
        onward = [
            move
            for move in facts.sent.get(recipient, ())
            if move.token == airdrop.token
            and move.amount_raw == airdrop.amount_raw
            and _moment(move) > _moment(gift)
        ]
        if onward:
            move = min(onward, key=_moment)
            target = move.recipient
            is_own = facts.is_personal(target) and target not in (airdrop.source, recipient)
            if is_own and not _is_sale(facts, move, rules):
                found[target].append(move)
    return found


def _is_sale(facts: Facts, move: Move, rules: AirdropRules) -> bool:
    """Whether who got it paid for it, before or after."""
    time = move.block_time or 0
    return any(
        paid.sender == move.recipient
        and paid.token != move.token
        and abs((paid.block_time or 0) - time) <= rules.paid_within_ms
        for paid in facts.received.get(move.sender or AccountId(""), ())
    )


def _is_quick(gifts: dict[AccountId, Move], rules: AirdropRules) -> bool:
    times = sorted(move.block_time or 0 for move in gifts.values())
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return median(gaps) <= rules.gap_ms


def _moment(move: Move) -> tuple[int, int, str, str]:
    return (
        move.block_time or 0,
        move.block_number or 0,
        move.order,
        f"{move.sender}|{move.recipient}",
    )
