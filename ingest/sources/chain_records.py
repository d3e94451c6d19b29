"""Ids and transfers of one chain, made from what sources write."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Final, NamedTuple

from graph_api.domain.addresses import normal_address
from graph_api.domain.amounts import units
from graph_api.domain.chains import Chain
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    TokenId,
    TransactionId,
    TransferId,
    native_token,
    token_id,
    transaction_id,
)
from graph_api.domain.issuers import ISSUANCES, Issuance
from graph_api.domain.positions import block_part, log_order_key, order_key
from graph_api.domain.records import Transfer

_KEPT: Final = 65_536


class BlockPlace(NamedTuple):
    """A block, for those who make records of it; ``key`` is what order keys begin with."""

    number: int | None
    time: int | None
    key: str

    @classmethod
    def of(cls, number: int | None, time: int | None) -> "BlockPlace":
        """The place of block ``number`` at ``time``."""
        return cls(number, time, block_part(number))


class ChainRecords:
    """Makes records of one chain. It remembers the last ids: addresses come again and again.

    ``account``, ``token`` and ``transaction`` turn text into ids and raise BadInput.
    """

    account: Callable[[str], AccountId]
    token: Callable[[str], TokenId]
    transaction: Callable[[str], TransactionId]

    def __init__(
        self,
        chain: Chain,
        *,
        decimals: dict[str, int],
        issuances: Mapping[TokenId, Issuance] = ISSUANCES,
    ) -> None:
        self.chain, self.id, self.native = chain, ChainId(chain.id), native_token(chain)
        self.decimals = {**decimals, self.native: chain.decimals}
        self.issuances = issuances
        self.account = lru_cache(_KEPT)(self._account)
        self.token = lru_cache(_KEPT)(partial(token_id, chain))
        # Logs and traces of one transaction follow each other.
        self.transaction = lru_cache(64)(partial(transaction_id, chain))

    def _account(self, address: str) -> AccountId:
        # As ``account_id``, with fewer steps: in a block every second account is a new one.
        return AccountId(f"{self.id}:{normal_address(self.chain, address)}")

    def logged(
        self,
        index: int,
        place: BlockPlace,
        *,
        transaction: TransactionId,
        sender: AccountId,
        recipient: AccountId,
        token: TokenId,
        amount_raw: int,
    ) -> Transfer:
        """The transfer that the log at ``index`` tells of: most transfers are made here."""
        position = f"log:{index}"
        # Nothing of it has to be checked.
        transfer = TransferId(f"{transaction}:{position}")
        return Transfer(
            id=transfer,
            chain=self.id,
            transaction=transaction,
            position=position,
            order=log_order_key(transfer, block=place.key, index=index),
            sender=sender,
            recipient=recipient,
            token=token,
            amount_raw=amount_raw,
            amount=units(amount_raw, self.decimals.get(token)),
            block_number=place.number,
            block_time=place.time,
        )

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
