"""The book of an account chain: payments become transactions and transfers, in order of time."""

from random import Random
from typing import Final

from deskgraph.planted.world import BEGINS, Truth, wallet
from deskgraph.sample import cast
from graph_api.domain.chains import Chain
from graph_api.domain.ids import (
    AccountId,
    ChainId,
    TokenId,
    TransactionId,
    address_of,
    native_token,
)
from graph_api.domain.positions import order_key, transfer_id
from graph_api.domain.records import (
    Approval,
    Record,
    Swap,
    Token,
    Transaction,
    Transfer,
    WalletFact,
    WalletKind,
)

_BLOCK_MS: Final = {"ethereum": 12_000, "polygon": 2_000}
_FIRST_BLOCK: Final = 20_000_000
_SWAP_GAS_RAW: Final = 3 * 10**15


class Book:
    """What happens on one chain; moments are epoch milliseconds."""

    def __init__(self, chain: Chain, seed: int, truth: Truth) -> None:
        self.chain, self.seed, self.truth = chain, seed, truth
        self.coin = native_token(chain)
        self._made = 0
        self._facts: list[tuple[int, int, Record]] = []
        self._kinds: dict[AccountId, WalletKind] = {}

    def records(self) -> list[Record]:
        """Everything in order, what stands behind accounts first."""
        kinds = [WalletFact(id=id, kind=kind) for id, kind in sorted(self._kinds.items())]
        return [*kinds, *(fact for *_, fact in sorted(self._facts, key=lambda fact: fact[:2]))]

    def own(self, owner: str, role: str, kind: WalletKind = WalletKind.EOA) -> AccountId:
        """A wallet of ``owner``, and on record as such."""
        account = wallet(self.seed, f"{role} of {owner}", self.chain)
        self.truth.owners[account] = owner
        self._kinds[account] = kind
        return account

    def token(self, id: TokenId, symbol: str, decimals: int = 18) -> TokenId:
        """A token's own facts."""
        known = Token(
            id=id,
            chain=ChainId(self.chain.id),
            address=address_of(id),
            symbol=symbol,
            name=symbol,
            decimals=decimals,
        )
        self._put(BEGINS, known)
        return id

    def pay(
        self,
        sender: AccountId,
        recipient: AccountId,
        amount_raw: int,
        *,
        at: int,
        token: TokenId | None = None,
    ) -> Transfer:
        """A payment in the chain's coin, or in ``token``."""
        signed = self._sign(sender, at, recipient, amount_raw if token is None else 0)
        return self._move(
            signed, sender, recipient, amount_raw, token=token or self.coin, log=token is not None
        )

    def give(
        self, sender: AccountId, gifts: list[AccountId], amount_raw: int, *, at: int, token: TokenId
    ) -> None:
        """The same amount to many, a block after the other."""
        for place, recipient in enumerate(gifts):
            self.pay(sender, recipient, amount_raw, at=at + place * self._block_ms, token=token)

    def approve(
        self, owner: AccountId, spender: AccountId, amount_raw: int, *, at: int, token: TokenId
    ) -> None:
        """``owner`` lets ``spender`` spend."""
        signed = self._sign(owner, at, None, 0)
        self._put(
            at,
            Approval(
                id=transfer_id(signed.id, "log:0"),
                chain=ChainId(self.chain.id),
                transaction=signed.id,
                token=token,
                owner=owner,
                spender=spender,
                amount_raw=amount_raw,
                block_number=signed.block_number,
                block_time=signed.block_time,
            ),
        )

    def swap(
        self,
        trader: AccountId,
        pool: AccountId,
        *,
        gives: tuple[TokenId, int],
        gets: tuple[TokenId, int],
        at: int,
    ) -> TransactionId:
        """A trade with a pool, in one transaction."""
        coin = gives[0] == self.coin
        signed = self._sign(trader, at, pool, gives[1] if coin else 0)
        self._move(signed, trader, pool, gives[1], token=gives[0], log=not coin)
        self._move(signed, pool, trader, gets[1], token=gets[0], log=True, index=2)
        self.truth.swaps.add(signed.id)
        self._put(
            at,
            Swap(
                id=transfer_id(signed.id, "log:3"),
                chain=ChainId(self.chain.id),
                transaction=signed.id,
                protocol="uniswap_v2",
                pool=pool,
                sender=trader,
                recipient=trader,
                amount0_raw=gives[1],
                amount1_raw=-gets[1],
                block_number=signed.block_number,
                block_time=signed.block_time,
            ),
        )
        return signed.id

    def trade(
        self,
        trader: AccountId,
        contract: AccountId,
        legs: list[tuple[AccountId | None, AccountId, int, TokenId]],
        *,
        at: int,
    ) -> TransactionId:
        """What several hands move in one transaction; nobody sends shares that are issued."""
        signed = self._sign(trader, at, contract, 0)
        for index, (sender, recipient, amount_raw, token) in enumerate(legs):
            self._move(signed, sender, recipient, amount_raw, token=token, log=True, index=index)
        return signed.id

    @property
    def _block_ms(self) -> int:
        return _BLOCK_MS[self.chain.slug]

    def _sign(
        self, sender: AccountId, at: int, recipient: AccountId | None, value_raw: int
    ) -> Transaction:
        self._made += 1
        digest = "0x" + cast.digest(self.seed, f"{self.chain.slug} {self._made}").hex()
        block = (at - BEGINS) // self._block_ms
        signed = Transaction(
            id=TransactionId(f"{self.chain.id}:{digest}"),
            chain=ChainId(self.chain.id),
            hash=digest,
            sender=sender,
            recipient=recipient,
            value_raw=value_raw,
            block_number=_FIRST_BLOCK + block,
            block_time=BEGINS + block * self._block_ms,
            status=1,
        )
        self._put(at, signed)
        return signed

    def _move(
        self,
        signed: Transaction,
        sender: AccountId | None,
        recipient: AccountId,
        amount_raw: int,
        *,
        token: TokenId,
        log: bool,
        index: int = 0,
    ) -> Transfer:
        position = f"log:{index}" if log else "native"
        identity = transfer_id(signed.id, position)
        moved = Transfer(
            id=identity,
            chain=ChainId(self.chain.id),
            transaction=signed.id,
            position=position,
            order=order_key(identity, block_number=signed.block_number, position=position),
            sender=sender,
            recipient=recipient,
            token=token,
            amount_raw=amount_raw,
            block_number=signed.block_number,
            block_time=signed.block_time,
        )
        self._put(signed.block_time or 0, moved)
        return moved

    def _put(self, at: int, fact: Record) -> None:
        self._facts.append((at, len(self._facts), fact))


def some(chance: Random, low: float, high: float, *, unit: int = 10**18) -> int:
    """An amount in base units with four digits behind the point of ``unit``."""
    return int(chance.uniform(low, high) * 10_000) * (unit // 10_000)
