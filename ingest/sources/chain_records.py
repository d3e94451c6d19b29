"""Ids and transfers of one chain, made from what sources write."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final

from graph_api.domain.amounts import units
from graph_api.domain.chains import Chain
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    TokenId,
    TransactionId,
    TransferId,
    account_id,
    native_token,
    token_id,
    transaction_id,
)
from graph_api.domain.positions import order_key
from graph_api.domain.records import Transfer

_KEPT: Final = 65_536


class ChainRecords:
    """Makes records of one chain. It remembers the last ids: addresses come again and again.

    ``account``, ``token`` and ``transaction`` turn text into ids and raise BadInput.
    """

    account: Callable[[str], AccountId]
    token: Callable[[str], TokenId]
    transaction: Callable[[str], TransactionId]

    def __init__(self, chain: Chain, *, decimals: dict[str, int]) -> None:
        self.chain, self.id, self.native = chain, ChainId(chain.id), native_token(chain)
        self.decimals = {**decimals, self.native: chain.decimals}
        self.account = lru_cache(_KEPT)(partial(account_id, chain))
        self.token = lru_cache(_KEPT)(partial(token_id, chain))
        # Logs and traces of one transaction follow each other.
        self.transaction = lru_cache(64)(partial(transaction_id, chain))

    def transfer(
        self,
        transfer: TransferId,
        position: str,
        *,
        transaction: TransactionId | None,
        sender: AccountId | None,
        recipient: AccountId,
        token: TokenId | None,
        amount_raw: int | None,
        amount: float | None = None,
        block_number: int | None,
        block_time: int | None,
        derived: bool = False,
    ) -> Transfer:
        """The transfer in its place in the chain, in whole units too where decimals are known."""
        if amount is None and amount_raw is not None and token is not None:
            amount = units(amount_raw, self.decimals.get(token))
        return Transfer(
            id=transfer,
            chain=self.id,
            transaction=transaction,
            position=position,
            order=order_key(transfer, block_number=block_number, position=position),
            sender=sender,
            recipient=recipient,
            token=token,
            amount_raw=amount_raw,
            amount=amount,
            block_number=block_number,
            block_time=block_time,
            derived=derived,
        )
