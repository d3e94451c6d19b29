"""Issuers that can freeze what others hold of their tokens, and what their acts amount to.

A wallet is frozen for one token from the act that freezes it to the act that frees it. Which acts
count is decided by their place in the chain, never by the order in which we hear of them.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import groupby
from typing import Final, NamedTuple

import msgspec

from graph_api.domain.categories import Category
from graph_api.domain.ids import AccountId, TokenId, parse_token
from graph_api.domain.records import FreezeKind, Label


class Issuance(NamedTuple):
    """A token that its issuer can freeze."""

    issuer: str
    symbol: str


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What an issuer did to a wallet, as the graph keeps it; ``log`` counts within the block."""

    id: str
    kind: FreezeKind
    wallet: AccountId
    token: TokenId
    issuer: str
    symbol: str
    block_number: int
    block_time: int
    log: int


def _issued(issuer: str, symbol: str, tokens: str) -> dict[TokenId, Issuance]:
    return {parse_token(text): Issuance(issuer, symbol) for text in tokens.split()}


#: Tokens whose issuers' acts are believed, by their contracts alone: anybody can write such a log.
#: Sources: the issuers' own lists of contracts (tether.to, circle.com, paxos.com), and the code
#: that explorers show for them. Optimism's and Polygon's USDT are issued through USDT0.
ISSUANCES: Final = {
    **_issued(
        "Tether",
        "USDT",
        """ethereum:0xdac17f958d2ee523a2206206994597c13d831ec7
        arbitrum:0xfd086bc7cd5c481dcc9c85ebe478a1c0b69fcbb9
        polygon:0xc2132d05d31c914a87c6611c10748aeb04b58e8f
        optimism:0x01bff41798a0bcf287b996046ca68b395dbc1071
        celo:0x48065fbbe25f71c9282ddf5e1cd6d6a887483d5e""",
    ),
    **_issued(
        "Circle",
        "USDC",
        """ethereum:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48
        polygon:0x3c499c542cef5e3811e1192ce70d8cc03d5c3359
        arbitrum:0xaf88d065e77c8cc2239327c5edb3a432268e5831
        optimism:0x0b2c639c533813f4aa9d7837caf62653d097ff85
        base:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913
        celo:0xceba9300f2b948710d2653dd7b07f33a8b32118c""",
    ),
    **_issued(
        "Circle",
        "EURC",
        """ethereum:0x1abaea1f7c830bd89acc67ec4af516284b1bc33c
        base:0x60a3e35cc302bfa44cb288bc5a4f316fdb1adb42""",
    ),
    **_issued("Paxos", "PYUSD", "ethereum:0x6c3ea9036406852006290770bedfcaba0e23a0e8"),
    **_issued("Paxos", "USDP", "ethereum:0x8e870d67f660d95d5be530380d0ec0bd388289e1"),
}


def labels_of(acts: Iterable[Act]) -> list[Label]:
    """What ``acts``, all there are of some wallets, say of them: one label for each freeze.

    A wallet that is frozen already is not frozen anew, and one that is freed in the same moment was
    not frozen at any. That its tokens are destroyed leaves it frozen.
    """
    found: list[Label] = []
    for _, some in groupby(sorted(acts, key=_place), key=lambda act: (act.wallet, act.token)):
        begun: Act | None = None
        for act in some:
            if act.kind is FreezeKind.FROZEN and begun is None:
                begun = act
            elif act.kind is FreezeKind.FREED and begun is not None:
                found += _label(begun, until=act.block_time)
                begun = None
        if begun is not None:
            found += _label(begun, until=None)
    return found


def label_id_of(act: str) -> str:
    """The id of the label that the act with this id may begin."""
    return "label:" + blake2b(f"freeze\x1f{act}".encode(), digest_size=16).hexdigest()


def _place(act: Act) -> tuple[str, str, int, int]:
    return act.wallet, act.token, act.block_number, act.log


def _label(act: Act, *, until: int | None) -> Iterator[Label]:
    if until is not None and until <= act.block_time:
        return
    yield Label(
        id=label_id_of(act.id),
        accounts=(act.wallet,),
        label=f"{act.symbol} frozen by {act.issuer}",
        category=Category.FROZEN.value,
        confidence=1.0,
        source=act.token,
        valid_from=act.block_time,
        valid_to=until,
        # Both are in the chain from that moment on, whoever looks when.
        learned_at=act.block_time,
    )
