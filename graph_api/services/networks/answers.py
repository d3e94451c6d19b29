"""What a network is: flows, the wallets at their ends, and what of these is not shown."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from graph_api.domain.ids import AccountId
from graph_api.services.networks.questions import NetworkQuestion
from graph_api.services.walks import Stop
from graph_api.store.flows import FlowRow
from graph_api.store.walks import FlowPlace, WalkWallet


class Side(NamedTuple):
    """What goes into a wallet, or comes out of it: flows, their transfers, and between whom.

    ``wallets`` is None where counting them would read too much.
    """

    flows: int = 0
    transfers: int = 0
    wallets: int | None = 0

    def less(self, shown: "Side") -> "Side":
        """What is left of it."""
        wallets = None
        if self.wallets is not None and shown.wallets is not None:
            wallets = self.wallets - shown.wallets
        return Side(self.flows - shown.flows, self.transfers - shown.transfers, wallets)


class Sides(NamedTuple):
    """Both sides of a wallet."""

    incoming: Side = Side()
    outgoing: Side = Side()

    @property
    def flows(self) -> int:
        """Of both; one to itself has two ends."""
        return self.incoming.flows + self.outgoing.flows

    def less(self, shown: "Sides") -> "Sides":
        """What is left of both."""
        return Sides(self.incoming.less(shown.incoming), self.outgoing.less(shown.outgoing))


class NetworkNode(msgspec.Struct, eq=False, kw_only=True):
    """A wallet of a network.

    Args:
        total: All that it has, shown or not; None where nobody counted what there was then.
        shown: What of it is among the edges.
        stop: Why it was not gone on from, or not along all of its flows.
        after: The place in its flows behind which they are not shown; None for the beginning.
    """

    wallet: WalkWallet
    hops: int
    total: Sides | None
    shown: Sides = Sides()
    stop: Stop | None = None
    after: FlowPlace | None = None

    @property
    def hidden(self) -> int:
        """How many of its flows, of all tokens and both ways, are not among the edges."""
        flows = self.wallet.flows if self.total is None else self.total.flows
        return max(flows - self.shown.flows, 0)

    @property
    def behind(self) -> Sides | None:
        """What is folded behind it."""
        return None if self.total is None else self.total.less(self.shown)


class Network(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Flows around a wallet, and the wallets that were looked at to find them, the centre first.

    The ``outermost`` wallets were reached, in this order, with the last of ``hops``; whoever wants
    to know more of them asks for ``nodes``.

    Args:
        at: Labels are those of this moment.
        block: The newest block that counted; None for the newest there is.
        undated: Transfers of which nobody knows whether they happened by then; none for now.
    """

    question: NetworkQuestion
    inner: list[NetworkNode]
    outermost: list[AccountId]
    hops: int
    edges: list[FlowRow]
    at: datetime
    block: int | None = None
    undated: int = 0


def all_of(wallet: WalkWallet) -> Sides:
    """What a wallet has as of now; who is on the other sides is not counted."""
    return Sides(
        Side(wallet.flows_in, wallet.transfers_in, None),
        Side(wallet.flows_out, wallet.transfers_out, None),
    )


def ends(edges: Iterable[FlowRow], wallets: Iterable[AccountId]) -> dict[AccountId, Sides]:
    """What of the edges begins and ends at each of the wallets."""
    into: dict[AccountId, list[FlowRow]] = {wallet: [] for wallet in wallets}
    out: dict[AccountId, list[FlowRow]] = {wallet: [] for wallet in into}
    for flow in edges:
        if flow.recipient in into:
            into[flow.recipient].append(flow)
        if flow.sender in out:
            out[flow.sender].append(flow)
    return {
        wallet: Sides(
            _side(into[wallet], {flow.sender for flow in into[wallet]}),
            _side(out[wallet], {flow.recipient for flow in out[wallet]}),
        )
        for wallet in into
    }


def _side(flows: list[FlowRow], others: set[AccountId]) -> Side:
    return Side(len(flows), sum(flow.transfers for flow in flows), len(others))
