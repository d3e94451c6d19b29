"""What can be wrong with an endpoint, and what to do about each.

An address of an endpoint often holds a key, so a fault says what happened and never where.
"""

from typing import ClassVar, Final

from graph_api.domain.errors import ErrorCode, GraphApiError, UpstreamUnavailable


class EndpointFault(GraphApiError):
    """What an endpoint did wrong; the next one is asked.

    ``remedy`` is what a person can do. ``pause_s`` is for how long it is not asked at first, and
    doubles with each fault in a row; None does not count against it.
    """

    code = ErrorCode.UPSTREAM_UNAVAILABLE
    name: ClassVar[str]
    remedy: ClassVar[str]
    pause_s: ClassVar[float | None]


class Unreachable(EndpointFault):
    """It does not answer, or not in time."""

    name = "unreachable"
    remedy = "Check its address, the network and whether it is up."
    pause_s = 1.0


class Overloaded(EndpointFault):
    """It wants fewer requests; ``retry_after_s`` where it said for how long."""

    name = "overloaded"
    remedy = "Lower its requests_per_s, or ask its provider for more."
    pause_s = 1.0

    def __init__(self, what: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.retry_after_s = retry_after_s


class Refused(EndpointFault):
    """It knows us and wants nothing of us: a key that is wrong or spent."""

    name = "refused"
    remedy = "Check its key and its plan."
    pause_s = 60.0


class Garbled(EndpointFault):
    """Its answer is not what the protocol says."""

    name = "garbled"
    remedy = "Check that the address is of a JSON-RPC node of this chain."
    pause_s = 5.0


class Unsupported(EndpointFault):
    """It has not what was asked for, another may: a method, or a state that it has pruned."""

    name = "unsupported"
    remedy = "Use a node that offers the method, or keeps the state."
    pause_s = None


class Behind(EndpointFault):
    """It has not got that far yet, as nodes behind one address may not have for a moment."""

    name = "behind"
    remedy = "None is needed while it catches up."
    pause_s = None


class Lie(EndpointFault):
    """It answers, and what it says is not true: nothing of the answer is used."""

    pause_s = 300.0


class WrongChain(Lie):
    """It serves another chain."""

    name = "wrong_chain"
    remedy = "Give it to the chain that it serves, or correct its address."


class WrongBlock(Lie):
    """What it sent belongs to another block than the one that was asked for."""

    name = "wrong_block"
    remedy = "Resync the node, or leave the endpoint out."
    # Several nodes behind one address may contradict one another for a moment.
    pause_s = 30.0


class BrokenLink(Lie):
    """Its blocks do not follow one another, however often it is asked."""

    name = "broken_link"
    remedy = "Resync the node, or leave the endpoint out."


class MissingLogs(Lie):
    """The logs that it sent are not those that the block's bloom was made of."""

    name = "missing_logs"
    remedy = "Resync the node with receipts, or leave the endpoint out."


class StaleHead(Lie):
    """Its newest block is too old, or far below that of another endpoint."""

    name = "stale_head"
    remedy = "Check that the node is in sync and has peers."
    pause_s = 30.0


class Contradicted(Lie):
    """It names another hash than others do for a block that can no longer change."""

    name = "contradicted"
    remedy = "Find out which fork it follows; a third endpoint lets the majority decide."


class FalseHeader(Lie):
    """A block's fields do not hash to the name that it goes by, or without the work for it."""

    name = "false_header"
    remedy = "Resync the node, or leave the endpoint out."


class FalseTransactions(Lie):
    """A block's transactions are not those that its merkle root was made of."""

    name = "false_transactions"
    remedy = "Resync the node, or leave the endpoint out."


class FalseMoney(Lie):
    """A transaction of it spends more than it has, or a block makes more than it may."""

    name = "false_money"
    remedy = "Resync the node, or leave the endpoint out."


class FalseBalances(Lie):
    """Lamports or signatures of a block cannot be: more after than before, or one thing twice."""

    name = "false_balances"
    remedy = "Resync the node, or leave the endpoint out."


#: Every fault, for documents and checks.
FAULTS: Final[tuple[type[EndpointFault], ...]] = (
    Unreachable,
    Overloaded,
    Refused,
    Garbled,
    Unsupported,
    Behind,
    WrongChain,
    WrongBlock,
    BrokenLink,
    MissingLogs,
    StaleHead,
    Contradicted,
    FalseHeader,
    FalseTransactions,
    FalseMoney,
    FalseBalances,
)


class NoEndpoint(UpstreamUnavailable):
    """No endpoint is left to ask; ``faults`` are the last ones, by the endpoint's name."""

    def __init__(
        self, provider: str, *, retry_after_s: float, faults: dict[str, EndpointFault]
    ) -> None:
        super().__init__(provider, retry_after_s=retry_after_s)
        self.faults = faults
        if faults:
            told = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
            self.args = (
                f"No endpoint of {provider} can be used; try again in {retry_after_s:g} s. {told}",
            )

    @property
    def remedy(self) -> str | None:
        """What to do about each of the faults; None where nothing is known of any."""
        return "; ".join(f"{name}: {fault.remedy}" for name, fault in self.faults.items()) or None
