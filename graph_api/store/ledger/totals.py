"""What a transfer does to totals, and how it is taken back as if it had never been loaded."""

from collections.abc import Iterable, Iterator

from graph_api.domain.chains import Family
from graph_api.domain.records import Transfer
from graph_api.store.graph import Writing
from graph_api.store.ledger import values
from graph_api.store.ledger.shelves import Shelves
from graph_api.store.ledger.states import FlowState, HoldingState, Moved, earliest, latest


def counts_holdings(shelves: Shelves) -> bool:
    """Whether transfers count in holdings: on UTXO chains outputs are what is held."""
    return shelves.chain.family is not Family.UTXO


def held_by(shelves: Shelves, moved: Transfer | Moved) -> list[tuple[str, str]]:
    """Wallet and token of the holdings that a transfer counts in."""
    if moved.token is None or not counts_holdings(shelves):
        return []
    return [(wallet, moved.token) for wallet in parties(moved)]


def parties(moved: Transfer | Moved) -> tuple[str, ...]:
    """Sender and recipient, once each."""
    sender, recipient = moved.sender, moved.recipient
    return (recipient,) if sender is None or sender == recipient else (sender, recipient)


def states(shelves: Shelves, moved: Transfer | Moved) -> Iterator[FlowState | HoldingState]:
    """The flow and holdings that a transfer counts in."""
    if moved.sender is not None:
        yield shelves.flow(moved.sender, moved.recipient, moved.token)
    if moved.token is not None and counts_holdings(shelves):
        for wallet in parties(moved):
            yield shelves.holding(wallet, moved.token)


def add(shelves: Shelves, transfer: Transfer, time: int | None) -> None:
    """Count a new transfer that happened at ``time``."""
    shelves.counters.transfers += 1
    shelves.counters.covers(transfer.block_number, time)
    if transfer.sender is not None:
        shelves.wallets[transfer.sender].transfers_out += 1
        flow = shelves.flow(transfer.sender, transfer.recipient, transfer.token)
        shelves.grow(flow)
        flow.transfers += 1
        flow.seen(time)
    shelves.wallets[transfer.recipient].transfers_in += 1
    held = transfer.token if counts_holdings(shelves) else None
    for party in parties(transfer):
        wallet = shelves.wallets[party]
        wallet.seen(time)
        if wallet.newest is None or transfer.order < wallet.newest:
            wallet.newest = transfer.order
        if held is not None:
            holding = shelves.holding(party, held)
            holding.transfers += 1
            holding.seen(time)
            holding.since_block = earliest(holding.since_block, transfer.block_number)
    _sum(shelves, transfer, sign=1)
    if transfer.token is not None:
        token = shelves.tokens[transfer.token]
        token.transfers += 1
        if token.decimals is None and transfer.amount_raw is not None:
            token.unscaled += 1


async def take_back(writing: Writing, shelves: Shelves, gone: Iterable[Moved]) -> None:
    """Delete transfers of the graph, and uncount them; their totals must have been fetched."""
    gone = list(gone)
    if not gone:
        return
    await writing.run("ledger/delete_transfers", ids=[moved.id for moved in gone])
    await values.take_back(writing, gone)
    for moved in gone:
        _uncount(shelves, moved)
    # Extremes cannot be taken back by arithmetic: they are read from what is left.
    flows = {(one.sender, one.recipient, one.token) for one in gone if one.sender is not None}
    for sender, recipient, token in flows:
        await _look_at_flow(writing, shelves, sender, recipient, token)
    for holding in set[tuple[str, str]]().union(*(held_by(shelves, one) for one in gone)):
        await _look_at_holding(writing, shelves, *holding)
    for wallet in {party for moved in gone for party in parties(moved)}:
        await look_at_wallet(writing, shelves, wallet)


async def look_at_wallet(writing: Writing, shelves: Shelves, wallet: str) -> None:
    """When a wallet was active, from what is left of its facts."""
    (row,) = await writing.run("ledger/times_of_wallet", wallet=wallet)
    state = shelves.wallets[wallet]
    state.first_seen_at = earliest(row["first_transfer"], row["first_other"])
    state.last_seen_at = latest(row["last_transfer"], row["last_other"])
    state.newest = row["newest"].partition("|")[2] if row["newest"] else None


async def _look_at_flow(
    writing: Writing, shelves: Shelves, sender: str, recipient: str, token: str | None
) -> None:
    flow = shelves.flow(sender, recipient, token)
    if flow.transfers:
        (row,) = await writing.run(
            "ledger/times_of_flow", sender=sender, recipient=recipient, token=token
        )
        flow.first_at, flow.last_at = row["first_at"], row["last_at"]
    shelves.shrink(flow)


async def _look_at_holding(writing: Writing, shelves: Shelves, wallet: str, token: str) -> None:
    holding = shelves.holding(wallet, token)
    if holding.transfers:
        (row,) = await writing.run("ledger/times_of_holding", wallet=wallet, token=token)
        holding.first_at, holding.last_at = row["first_at"], row["last_at"]
        holding.since_block = row["since_block"]


def _uncount(shelves: Shelves, moved: Moved) -> None:
    shelves.counters.transfers -= 1
    if moved.block_time is None and moved.block_number is not None:
        shelves.counters.untimed -= 1
    for state in states(shelves, moved):
        state.transfers -= 1
    _sum(shelves, moved, sign=-1)
    if moved.token is not None:
        token = shelves.tokens[moved.token]
        token.transfers -= 1
        if token.decimals is None and moved.amount_raw is not None:
            token.unscaled -= 1
    shelves.wallets[moved.recipient].transfers_in -= 1
    if moved.sender is not None:
        shelves.wallets[moved.sender].transfers_out -= 1


def _sum(shelves: Shelves, moved: Transfer | Moved, *, sign: int) -> None:
    """Add (or take away) an amount where totals are kept."""
    amount, token = moved.amount_raw, moved.token
    if moved.sender is not None:
        flow = shelves.flow(moved.sender, moved.recipient, token)
        if amount is None or flow.amount_raw is None:
            flow.amount_raw = None
        else:
            flow.amount_raw += sign * amount
    if token is None or not counts_holdings(shelves):
        return
    recipient = shelves.holding(moved.recipient, token)
    shelves.change(recipient, received=sign * (amount or 0), uncounted=sign * (amount is None))
    if moved.sender is not None:
        sender = shelves.holding(moved.sender, token)
        shelves.change(sender, sent=sign * (amount or 0), uncounted=sign * (amount is None))
