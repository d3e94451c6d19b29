"""Contracts of the economy that do more than hold a token: pools, mixer, batch sender."""

from collections.abc import Sequence
from math import floor, isqrt, log
from typing import Final

from deskgraph.sample.abi import Event, call, call_with_lists, event, word
from deskgraph.sample.account_chain import AccountChain, Move, Token

_SWAP_V2: Final = "Swap(address,uint256,uint256,uint256,uint256,address)"
_SWAP_V3: Final = "Swap(address,address,int256,int256,uint160,uint128,int24)"
_ROUTE_V2: Final = "swapExactTokensForTokens(uint256,uint256,address[],address,uint256)"
_ROUTE_V3: Final = (
    "exactInputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))"
)
_FEE_BPS: Final = 30
_NO_DEADLINE: Final = 2**40


class Pool:
    """A constant-product pool of two tokens behind a router."""

    def __init__(
        self, chain: AccountChain, deployer: str, *, router: str, tokens: tuple[Token, Token]
    ) -> None:
        self.address = chain.contract(deployer)
        self.router = router
        first, second = sorted(tokens, key=lambda token: token.address)
        self.tokens = first, second
        self._chain = chain
        self._approved: set[tuple[str, str]] = set()

    def swap(self, user: str, paid: Token, amount: int) -> str | None:
        """Swap ``amount`` of ``paid``; a user's first swap of a token approves the router."""
        got = self._other(paid)
        received = self._quote(paid, got, amount)
        if received <= 0 or paid.held[user] < amount or not self._approve(paid, user):
            return None
        moves = [Move(paid, user, self.address, amount), Move(got, self.address, user, received)]
        return self._chain.execute(
            user,
            self.router,
            self._input(user, paid, got, amount, received),
            moves=moves,
            events=[self._event(user, paid, amount, received)],
            gas=130_000,
        )

    def fail(self, user: str, paid: Token, amount: int) -> str | None:
        """A swap that asks for more than it would get, and reverts."""
        got = self._other(paid)
        wanted = 2 * self._quote(paid, got, amount)
        return self._chain.fail(user, self.router, self._input(user, paid, got, amount, wanted))

    def _other(self, token: Token) -> Token:
        return self.tokens[1] if token is self.tokens[0] else self.tokens[0]

    def _quote(self, paid: Token, got: Token, amount: int) -> int:
        net = amount * (10_000 - _FEE_BPS)
        reserve_in, reserve_out = paid.held[self.address], got.held[self.address]
        return net * reserve_out // (reserve_in * 10_000 + net) if reserve_in else 0

    def _approve(self, token: Token, user: str) -> bool:
        if (token.address, user) in self._approved:
            return True
        if self._chain.approve(token, user, self.router) is None:
            return False
        self._approved.add((token.address, user))
        return True

    def _input(self, user: str, paid: Token, got: Token, amount: int, least: int) -> str:
        head = call(_ROUTE_V2, amount, least * 99 // 100, 160, user, _NO_DEADLINE)
        return head + word(2) + word(paid.address) + word(got.address)

    def _event(self, user: str, paid: Token, amount: int, received: int) -> Event:
        first = paid is self.tokens[0]
        values = (amount, 0, 0, received) if first else (0, amount, received, 0)
        return event(self.address, _SWAP_V2, (self.router, user), *values)


class ConcentratedPool(Pool):
    """The same trade, with the call and the event of a pool of concentrated liquidity."""

    def _input(self, user: str, paid: Token, got: Token, amount: int, least: int) -> str:
        return call(
            _ROUTE_V3, paid.address, got.address, 3_000, user, _NO_DEADLINE, amount,
            least * 99 // 100, 0,
        )  # fmt: skip

    def _event(self, user: str, paid: Token, amount: int, received: int) -> Event:
        # The pool's side: what it takes in counts up, what it pays out counts down.
        change = (amount, -received) if paid is self.tokens[0] else (-received, amount)
        first, second = (
            token.held[self.address] + moved
            for token, moved in zip(self.tokens, change, strict=True)
        )
        state = (
            isqrt((second << 192) // first),
            isqrt(first * second),
            floor(log(second / first) / log(1.0001)),
        )
        return event(self.address, _SWAP_V3, (self.router, user), *change, *state)


class Mixer:
    """Takes in fixed amounts of a token and pays them out to addresses without a past."""

    def __init__(self, chain: AccountChain, deployer: str, token: Token) -> None:
        self.address = chain.contract(deployer)
        self._chain, self._token = chain, token

    def deposit(self, user: str, amount: int, *, note: str) -> str | None:
        """``note`` is what the user later proves to know."""
        return self._chain.execute(
            user,
            self.address,
            call("deposit(bytes32,uint256)", note, amount),
            moves=[Move(self._token, user, self.address, amount)],
            gas=900_000,
        )

    def withdraw(self, relayer: str, recipient: str, amount: int) -> str | None:
        """A relayer sends the call, so that the recipient needs no ether, and keeps its fee."""
        fee = amount // 250
        return self._chain.execute(
            relayer,
            self.address,
            call("withdraw(address,address,uint256)", recipient, relayer, fee),
            moves=[
                Move(self._token, self.address, recipient, amount - fee),
                Move(self._token, self.address, relayer, fee),
            ],
            gas=350_000,
        )


class BatchSender:
    """Sends one token to many recipients in one transaction."""

    def __init__(self, chain: AccountChain, deployer: str) -> None:
        self.address = chain.contract(deployer)
        self._chain = chain

    def send(
        self, sender: str, token: Token, recipients: Sequence[str], amounts: Sequence[int]
    ) -> str | None:
        """One transfer per recipient, all or none."""
        return self._chain.execute(
            sender,
            self.address,
            call_with_lists(
                "disperseToken(address,address[],uint256[])",
                token.address,
                list(recipients),
                list(amounts),
            ),
            moves=[
                Move(token, sender, recipient, amount)
                for recipient, amount in zip(recipients, amounts, strict=True)
            ],
            gas=30_000 + 28_000 * len(recipients),
        )
