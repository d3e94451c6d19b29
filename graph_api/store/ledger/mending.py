"""Puts right what differs from the facts."""

from collections.abc import AsyncIterator
from typing import Final

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId, chain_id_of
from graph_api.store.graph import Writing
from graph_api.store.ledger import values
from graph_api.store.ledger.differences import DERIVED, Difference, State
from graph_api.store.ledger.shelves import Shelves
from graph_api.store.ledger.states import (
    ChainState,
    FlowState,
    HoldingState,
    TokenState,
    WalletState,
)
from graph_api.store.ledger.turn import Turn

_AT_ONCE: Final = 1_000


async def mend(turn: Turn, differences: AsyncIterator[Difference]) -> int:
    """Put right what differs; every chain must be held. Returns: how many things were wrong.

    Raises: LeaseLost.
    """
    waiting: dict[str, list[Difference]] = {}
    mended = 0
    async for difference in differences:
        mended += 1
        some = waiting.setdefault(_chain(difference), [])
        some.append(difference)
        if len(some) == _AT_ONCE:
            await _mend(turn, _chain(difference), waiting.pop(_chain(difference)))
    for chain, some in waiting.items():
        await _mend(turn, chain, some)
    return mended


async def _mend(turn: Turn, chain: str, differences: list[Difference]) -> None:
    async def work(writing: Writing) -> None:
        shelves = Shelves(chain_of(chain))
        await shelves.begin(writing)
        await _delete(writing, differences)
        rights = [one.right for one in differences if one.right is not None]
        flows = [one for one in rights if isinstance(one, FlowState)]
        holdings = [one for one in rights if isinstance(one, HoldingState)]
        wallets = {one.id for one in rights if isinstance(one, WalletState)}
        wallets |= {party for flow in flows for party in (flow.sender, flow.recipient)}
        tokens = {one.id for one in rights if isinstance(one, TokenState)}
        tokens |= {flow.token for flow in flows if flow.token is not None}
        tokens |= {holding.token for holding in holdings}
        await shelves.fetch(
            writing,
            wallets=wallets,
            tokens=tokens,
            pairs=[(flow.sender, flow.recipient, flow.token) for flow in flows],
            holdings=[(holding.wallet, holding.token) for holding in holdings],
        )
        for right in rights:
            _put_right(shelves, right)
        await shelves.flush_nodes(writing)
        # Last, since making a wallet counts it.
        for right in rights:
            if isinstance(right, ChainState):
                _put_right(shelves, right)
        await shelves.flush_totals(writing)
        await values.put(writing, {one.id: (one.usd_micros, one.priced) for one in flows})

    await turn.change([chain], work)


async def _delete(writing: Writing, differences: list[Difference]) -> None:
    for kind, name in (("Flow", "delete_flows"), ("Holding", "delete_holdings")):
        ids = [one.id for one in differences if one.kind == kind and one.right is None]
        if ids:
            await writing.run(f"ledger/{name}", ids=ids)


def _put_right(shelves: Shelves, right: State) -> None:
    kept = _on_shelf(shelves, right)
    for name in DERIVED[type(right)]:
        setattr(kept, name, getattr(right, name))


def _on_shelf(shelves: Shelves, right: State) -> State:
    match right:
        case FlowState():
            return shelves.flows[right.id]
        case HoldingState():
            return shelves.holdings[right.id]
        case WalletState():
            return shelves.wallets[right.id]
        case TokenState():
            return shelves.tokens[right.id]
        case ChainState():
            return shelves.counters


def _chain(difference: Difference) -> str:
    one = difference.right or difference.kept
    match one:
        case FlowState():
            return chain_id_of(AccountId(one.sender))
        case HoldingState():
            return chain_id_of(AccountId(one.wallet))
        case WalletState():
            return chain_id_of(AccountId(one.id))
        case TokenState():
            return one.id.partition("/")[0]
        case _:
            return difference.id
