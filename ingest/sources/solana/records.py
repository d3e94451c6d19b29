"""Executions and rewards as records."""

from collections.abc import Iterator, Sequence
from typing import Final

from graph_api.domain.amounts import units
from graph_api.domain.ids import TransactionId
from graph_api.domain.positions import block_transfer_id, transfer_id
from graph_api.domain.records import (
    Record,
    Swap,
    Token,
    Transaction,
    Transfer,
    WalletFact,
    WalletKind,
)
from ingest.sources.chain_records import ChainRecords
from ingest.sources.solana.answers import RewardAnswer
from ingest.sources.solana.books import Books, Move, PoolSwap
from ingest.sources.solana.effects import Founded
from ingest.sources.solana.execution import Execution
from ingest.sources.solana.programs import COMPUTE_BUDGET, NATIVE_MINTS, NOBODY, VOTE

_NATIVE: Final = dict.fromkeys(NATIVE_MINTS, 9)
_VOTING: Final = frozenset({VOTE, COMPUTE_BUDGET})


class Page:
    """The records of one block, or of one payload; ``chain`` remembers ids and is shared."""

    def __init__(self, chain: ChainRecords, *, number: int, time: int | None) -> None:
        self.chain, self._number, self._time = chain, number, time
        self._records: list[Record] = []
        self._moved: set[str] = set()
        self._decimals: dict[str, int] = {}
        self._programs: set[str] = set()
        self._ownerless: set[str] = set()

    def write(self, execution: Execution) -> None:
        """Add a transaction with its transfers; votes are left out, which only pay their fee.

        Raises: BadInput, Unbalanced; nothing of it is added then.
        """
        if not execution.steps and execution.programs <= _VOTING and VOTE in execution.programs:
            return
        books = Books(execution)
        if not execution.failed:
            books.close()
        transaction = self._transaction(execution)
        decimals = _decimals(execution)
        transfers = [self._transfer(transaction.id, move, decimals) for move in books.moves]
        swaps = [self._swap(transaction.id, swap) for swap in books.swaps()]
        self._records += [transaction, *transfers, *swaps]
        self._moved |= {one for t in transfers for one in (t.token, t.sender, t.recipient) if one}
        self._decimals |= decimals
        self._programs |= execution.programs
        self._ownerless |= books.ownerless

    def records(self) -> Iterator[Record]:
        """All of it, and what it says of the tokens and wallets that moved."""
        yield from self._records
        for mint in sorted(self._decimals):
            if (token := self.chain.token(mint)) in self._moved:
                decimals = self._decimals[mint]
                yield Token(id=token, chain=self.chain.id, address=mint, decimals=decimals)
        kinds = (WalletKind.PROGRAM, self._programs), (WalletKind.TOKEN_ACCOUNT, self._ownerless)
        for kind, addresses in kinds:
            for address in sorted(addresses):
                if (account := self.chain.account(address)) in self._moved:
                    yield WalletFact(id=account, kind=kind)

    def reward(self, rewards: Sequence[RewardAnswer]) -> None:
        """Add what the block paid for votes, stakes and its making; rent taken goes to nobody.

        Raises: BadInput.
        """
        for number, reward in enumerate(rewards):
            if not reward.lamports:
                continue
            account, position = self.chain.account(reward.pubkey), f"reward:{number}"
            taken = reward.lamports < 0
            self._records.append(
                self.chain.transfer(
                    block_transfer_id(self.chain.chain, self._number, position),
                    position,
                    transaction=None,
                    sender=account if taken else None,
                    recipient=self.chain.account(NOBODY) if taken else account,
                    token=self.chain.native,
                    amount_raw=abs(reward.lamports),
                    block_number=self._number,
                    block_time=self._time,
                )
            )

    def _transaction(self, execution: Execution) -> Transaction:
        return Transaction(
            id=self.chain.transaction(execution.signature),
            chain=self.chain.id,
            hash=execution.signature,
            sender=self.chain.account(execution.payer),
            recipient=None,
            value_raw=0,
            block_number=self._number,
            block_time=self._time,
            index=execution.index,
            status=0 if execution.failed else 1,
            gas_used=execution.units,
            fee_raw=execution.fee,
        )

    def _transfer(
        self, transaction: TransactionId, move: Move, decimals: dict[str, int]
    ) -> Transfer:
        native = move.mint is None
        places = self.chain.chain.decimals if native else decimals.get(move.mint or "")
        return self.chain.transfer(
            transfer_id(transaction, move.position),
            move.position,
            transaction=transaction,
            sender=None if move.source is None else self.chain.account(move.source),
            recipient=self.chain.account(move.destination),
            token=self.chain.native if move.mint is None else self.chain.token(move.mint),
            amount_raw=move.amount_raw,
            amount=units(move.amount_raw, places),
            block_number=self._number,
            block_time=self._time,
            derived=move.derived,
        )

    def _swap(self, transaction: TransactionId, swap: PoolSwap) -> Swap:
        user = self.chain.account(swap.user)
        return Swap(
            id=f"{transaction}:{swap.position}",
            chain=self.chain.id,
            transaction=transaction,
            protocol=swap.protocol,
            pool=self.chain.account(swap.pool),
            sender=user,
            recipient=user,
            amount0_raw=swap.amounts[0],
            amount1_raw=swap.amounts[1],
            block_number=self._number,
            block_time=self._time,
        )


def _decimals(execution: Execution) -> dict[str, int]:
    """Of every mint that the transaction tells of; those of SOL's own are known."""
    founded = {
        effect.mint: effect.decimals
        for step in execution.steps
        for effect in step.effects
        if isinstance(effect, Founded)
    }
    return _NATIVE | founded | execution.decimals
