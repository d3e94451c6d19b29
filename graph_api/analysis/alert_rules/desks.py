"""Rules about what is taken for OTC, and about wallets that issuers freeze."""

from typing import Final

from graph_api.analysis.alert_rules.facts import (
    OF_SIZE,
    Known,
    amount_said,
    anybody,
    clean,
    is_watched,
    may_reach,
    named,
    needed_for,
    reaches,
    told,
    watched_side,
)
from graph_api.analysis.alert_rules.happenings import Dealt, Freeze, Froze
from graph_api.analysis.alert_rules.kind import Kind
from graph_api.domain.alerts import Direction, Finding, IssuerFreeze, OtcScore

_DEEDS: Final = {
    Freeze.FROZEN: "froze",
    Freeze.FREED: "freed",
    Freeze.SEIZED: "destroyed what was held by",
}


def otc_score(condition: OtcScore, dealt: Dealt, known: Known) -> Finding | None:
    """A transfer is taken for OTC, surely enough; without a score only by a rule that asks none."""
    if not may_score(condition, dealt) or not reaches(condition.size, dealt, known):
        return None
    wallet = dealt.sender or dealt.recipient
    if not anybody(condition.subjects):
        watched = watched_side(condition.subjects, dealt, known, direction=Direction.EITHER)
        if watched is None:
            return None
        wallet = watched
    return Finding(
        subject=wallet,
        title=(
            f"{named(dealt.sender, known)} to {named(dealt.recipient, known)} is taken for OTC: "
            f"{amount_said(dealt, known)}."
        ),
        facts=told(dealt, known) | {"score": dealt.score, "reasons": list(dealt.reasons)},
    )


def may_score(condition: OtcScore, dealt: Dealt) -> bool:
    """Whether the score is high enough, and as much may have moved."""
    scored = dealt.score is not None and dealt.score >= condition.min_score
    return (scored or condition.min_score == 0) and may_reach(condition.size, dealt)


def issuer_freeze(condition: IssuerFreeze, froze: Froze, known: Known) -> Finding | None:
    """An issuer does something to a wallet, which may have to be a watched one."""
    if condition.tokens and froze.token not in condition.tokens:
        return None
    if not anybody(condition.subjects) and not is_watched(condition.subjects, froze.wallet, known):
        return None
    issuer = clean(froze.issuer or "") or "The issuer"
    return Finding(
        subject=froze.wallet,
        title=f"{issuer} {_DEEDS[froze.what]} {named(froze.wallet, known)}.",
        facts={
            "what": froze.what.value,
            "wallet": froze.wallet,
            "token": froze.token,
            "issuer": froze.issuer,
            "chain": froze.chain,
            "amountRaw": None if froze.amount_raw is None else str(froze.amount_raw),
            "log": froze.id,
            "blockNumber": froze.block_number,
            "blockHash": froze.block_hash,
        },
    )


OTC_SCORE: Final = Kind(
    condition=OtcScore,
    happening=Dealt,
    needs=lambda condition: OF_SIZE | needed_for(condition.subjects),
    may=may_score,
    judge=otc_score,
)
ISSUER_FREEZE: Final = Kind(
    condition=IssuerFreeze,
    happening=Froze,
    needs=lambda condition: needed_for(condition.subjects),
    may=lambda condition, froze: not condition.tokens or froze.token in condition.tokens,
    judge=issuer_freeze,
)
