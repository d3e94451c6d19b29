"""What is known of one chain, laid out by wallet for those who look for evidence.

Facts only grow, in any order; what is derived from them depends on nothing else.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from graph_api.domain.chains import chain_of
from graph_api.domain.ids import AccountId, ChainId, TokenId, TransactionId, native_token
from graph_api.domain.records import Approval, Transfer, UtxoTransaction, WalletKind

#: What only code can be: nobody owns such an account by a key.
CODE: Final = frozenset({WalletKind.CONTRACT, WalletKind.PROGRAM, WalletKind.TOKEN_ACCOUNT})
_TURN: Final = str.maketrans({chr(code): chr(33 + 126 - code) for code in range(33, 127)})
ZERO: Final = "0x0000000000000000000000000000000000000000"


class Move(msgspec.Struct, frozen=True, gc=False):
    """What of a transfer matters here. ``order`` sorts moves of one block as they happened."""

    sender: AccountId | None
    recipient: AccountId
    token: TokenId | None = None
    amount_raw: int | None = None
    block_number: int | None = None
    block_time: int | None = None
    transaction: TransactionId | None = None
    order: str = ""

    @classmethod
    def of(cls, transfer: Transfer) -> "Move":
        """As a source tells it."""
        return cls(
            transfer.sender,
            transfer.recipient,
            transfer.token,
            transfer.amount_raw,
            transfer.block_number,
            transfer.block_time,
            transfer.transaction,
            turned(transfer.order),
        )


def turned(order: str) -> str:
    """Text that sorts the other way round: keys of transfers begin with the newest."""
    return order.translate(_TURN)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What labels say of one wallet.

    Args:
        actor: Whose it is.
        service: It holds or mixes money of many.
        collects: It is where an exchange gathers what its customers have paid in.
        illicit: It carries a warning.
    """

    actor: str | None = None
    service: bool = False
    collects: bool = False
    illicit: bool = False


NOTHING: Final = Known()


class Facts:
    """The facts of ``chain``, and what labels say of its wallets."""

    def __init__(self, chain: ChainId, known: Mapping[AccountId, Known] | None = None) -> None:
        self.chain, self.native = chain, native_token(chain_of(chain))
        self.known: Mapping[AccountId, Known] = known or {}
        self.kinds: dict[AccountId, WalletKind] = {}
        self.sent: dict[AccountId, list[Move]] = {}
        self.received: dict[AccountId, list[Move]] = {}
        self.approved: dict[AccountId, dict[str, Approval]] = {}
        self.utxos: dict[TransactionId, UtxoTransaction] = {}
        #: In which transactions a wallet owns inputs or outputs.
        self.appears: dict[AccountId, set[TransactionId]] = defaultdict(set)
        #: Who paid for a transaction.
        self.payers: dict[TransactionId, AccountId] = {}

    @property
    def moves(self) -> int:
        """How many transfers are known."""
        return sum(map(len, self.received.values()))

    def add_moves(self, moves: Iterable[Move]) -> None:
        """More transfers, each of them once."""
        sent, received = self.sent, self.received
        for move in moves:
            if move.sender is not None:
                ours = sent.get(move.sender)
                if ours is None:
                    sent[move.sender] = [move]
                else:
                    ours.append(move)
            ours = received.get(move.recipient)
            if ours is None:
                received[move.recipient] = [move]
            else:
                ours.append(move)

    def add_approvals(self, approvals: Iterable[Approval]) -> None:
        """More approvals; one that is there is replaced."""
        for approval in approvals:
            self.approved.setdefault(approval.spender, {})[approval.id] = approval

    def add_utxos(self, transactions: Iterable[UtxoTransaction]) -> None:
        """More transactions of a UTXO chain; one that is there is replaced."""
        for transaction in transactions:
            self.utxos[transaction.id] = transaction
            owners = [spend.owner for spend in transaction.inputs]
            owners += [output.owner for output in transaction.outputs]
            for owner in owners:
                if owner is not None:
                    self.appears[owner].add(transaction.id)

    def add_kinds(self, kinds: Mapping[AccountId, WalletKind]) -> None:
        """What stands behind accounts."""
        self.kinds.update(kinds)

    def add_payers(self, payers: Mapping[TransactionId, AccountId]) -> None:
        """Who paid the fee of transactions."""
        self.payers.update(payers)

    def says(self, wallet: AccountId) -> Known:
        """What labels say of a wallet."""
        return self.known.get(wallet, NOTHING)

    def is_personal(self, wallet: AccountId) -> bool:
        """Whether it may be somebody's own: no service, no code, not the address of nobody."""
        return (
            not self.says(wallet).service
            and self.kinds.get(wallet) not in CODE
            and not wallet.endswith(ZERO)
        )
