"""An EVM chain as ethereum-etl exports it: blocks, transactions, receipts, logs, contracts.

It is an extract: only blocks that hold a transaction of the economy are written. Ether is what
wallets had before the extract begins, less what they spent; tokens are minted within it, so their
balances add up from the first row.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from deskgraph.sample import cast
from deskgraph.sample.abi import Event, call, event
from deskgraph.sample.agenda import Agenda
from deskgraph.sample.files import Table
from graph_api.domain.addresses import ZERO_EVM, created_contract

ETHER: Final = 10**18
TRANSFER: Final = "Transfer(address,address,uint256)"
APPROVAL: Final = "Approval(address,address,uint256)"
UNLIMITED: Final = 2**256 - 1

_BLOCK_S: Final = 12
_GAS_LIMIT: Final = 36_000_000
_PLAIN_GAS: Final = 21_000
_BYTECODE: Final = "0x6080604052"
_TABLES: Final = {
    "blocks.csv": "number hash parent_hash miner gas_limit gas_used timestamp transaction_count",
    "transactions.csv.gz": "hash nonce block_hash block_number transaction_index from_address "
    "to_address value gas gas_price input block_timestamp transaction_type",
    "receipts.csv.gz": "transaction_hash transaction_index block_hash block_number "
    "cumulative_gas_used gas_used contract_address root status effective_gas_price",
    "logs.csv.gz": "log_index transaction_hash transaction_index block_hash block_number address "
    "data topics",
    "token_transfers.csv": "token_address from_address to_address value transaction_hash "
    "log_index block_number",
    "contracts.csv": "address bytecode function_sighashes is_erc20 is_erc721 block_number",
    "tokens.csv": "address symbol name decimals total_supply block_number",
}


class Token:
    """A token contract and who holds how much of it."""

    def __init__(self, address: str, symbol: str, *, name: str, decimals: int) -> None:
        self.address, self.symbol, self.name, self.decimals = address, symbol, name, decimals
        self.held: Counter[str] = Counter()

    def whole(self, units: int) -> int:
        """Base units of ``units`` whole tokens."""
        one: int = 10**self.decimals
        return units * one


class Move(NamedTuple):
    """Tokens that a transaction moves; the zero address makes and destroys them."""

    token: Token
    sender: str
    recipient: str
    amount: int


class AccountChain:
    """Signs, executes and writes transactions at the agenda's moment."""

    def __init__(self, folder: Path, agenda: Agenda, *, seed: int, first_block: int) -> None:
        self._agenda, self._seed, self._first_block = agenda, seed, first_block
        self._tables = {name: Table(folder / name, text) for name, text in _TABLES.items()}
        self.paths = [table.path for table in self._tables.values()]
        self.ether: Counter[str] = Counter()
        self._nonces: Counter[str] = Counter()
        self._tokens: list[tuple[Token, int]] = []
        self._open_block = -1
        self._counts: Counter[str] = Counter()

    def endow(self, address: str, wei: int) -> None:
        """What a wallet had before the extract begins."""
        self.ether[address] += wei

    def held(self, token: Token | None, owner: str) -> int:
        """What ``owner`` can spend of a token, or of ether less the gas of a payment."""
        if token is not None:
            return token.held[owner]
        return max(0, self.ether[owner] - _PLAIN_GAS * self._gas_price())

    def gas(self, units: int) -> int:
        """What ``units`` of gas cost now, in wei."""
        return units * self._gas_price()

    def pay(self, token: Token | None, sender: str, recipient: str, amount: int) -> str | None:
        """A payment in a token or in ether; the hash, or None where the sender cannot."""
        if amount <= 0 or self.held(token, sender) < amount:
            return None
        if token is None:
            return self.execute(sender, recipient, value=amount, gas=_PLAIN_GAS)
        data = call("transfer(address,uint256)", recipient, amount)
        return self.execute(
            sender, token.address, data, moves=[Move(token, sender, recipient, amount)], gas=52_000
        )

    def mint(self, token: Token, issuer: str, recipient: str, amount: int) -> str | None:
        """Tokens come into being."""
        data = call("mint(address,uint256)", recipient, amount)
        return self.execute(
            issuer,
            token.address,
            data,
            moves=[Move(token, ZERO_EVM, recipient, amount)],
            gas=60_000,
        )

    def burn(self, token: Token, holder: str, amount: int) -> str | None:
        """Tokens go."""
        data = call("burn(uint256)", amount)
        gone = Move(token, holder, ZERO_EVM, amount)
        return self.execute(holder, token.address, data, moves=[gone], gas=40_000)

    def approve(self, token: Token, owner: str, spender: str) -> str | None:
        """A zero-value call that lets ``spender`` move any amount."""
        data = call("approve(address,uint256)", spender, UNLIMITED)
        log = event(token.address, APPROVAL, (owner, spender), UNLIMITED)
        return self.execute(owner, token.address, data, events=[log], gas=46_000)

    def execute(
        self,
        sender: str,
        recipient: str,
        data: str = "0x",
        *,
        value: int = 0,
        gas: int,
        moves: Sequence[Move] = (),
        events: Sequence[Event] = (),
    ) -> str | None:
        """Any call: its token moves are logged in their order, then ``events``.

        None where ether or tokens do not suffice; nothing has happened then.
        """
        if self.ether[sender] < value + self.gas(gas) or not _covered(moves):
            return None
        for token, source, target, amount in moves:
            if source != ZERO_EVM:
                token.held[source] -= amount
            if target != ZERO_EVM:
                token.held[target] += amount
        self.ether[sender] -= value
        self.ether[recipient] += value
        logs = [
            event(token.address, TRANSFER, (source, target), amount)
            for token, source, target, amount in moves
        ]
        digest = self._write(sender, recipient, data, value=value, gas=gas, logs=[*logs, *events])
        first_log = self._counts["logs"] - len(logs) - len(events)
        for place, (token, source, target, amount) in enumerate(moves):
            self._tables["token_transfers.csv"].add(
                token.address, source, target, amount, digest, first_log + place, self._open_block
            )
        return digest

    def fail(self, sender: str, recipient: str, data: str, *, value: int = 0) -> str | None:
        """A transaction that reverts: it costs gas, and neither its value nor any token moves."""
        gas = 80_000
        if self.ether[sender] < value + self.gas(gas):
            return None
        return self._write(sender, recipient, data, value=value, gas=gas, status=0)

    def contract(self, deployer: str) -> str:
        """A new contract that is no token; its address."""
        address = self._create(deployer)
        self._describe(address, is_token=False)
        return address

    def token(self, deployer: str, symbol: str, *, name: str, decimals: int) -> Token:
        """A new token contract. Its supply is written when the chain closes."""
        token = Token(self._create(deployer), symbol, name=name, decimals=decimals)
        self._describe(token.address, is_token=True)
        self._tokens.append((token, self._open_block))
        return token

    def close(self) -> None:
        """Write what is still open."""
        self._seal()
        for token, block in self._tokens:
            self._tables["tokens.csv"].add(
                token.address, token.symbol, token.name, token.decimals, token.held.total(), block
            )
        for table in self._tables.values():
            table.close()

    def _create(self, deployer: str) -> str:
        address = created_contract(deployer, self._nonces[deployer])
        self._write(deployer, None, _BYTECODE, value=0, gas=900_000, contract=address)
        return address

    def _write(
        self,
        sender: str,
        recipient: str | None,
        data: str,
        *,
        value: int,
        gas: int,
        logs: Sequence[Event] = (),
        status: int = 1,
        contract: str | None = None,
    ) -> str:
        number = self._block()
        nonce, index, price = self._nonces[sender], self._counts["transactions"], self._gas_price()
        digest = self._digest(f"transaction {sender} {nonce}")
        block = self._digest(f"block {number}")
        self._nonces[sender] += 1
        self._counts["transactions"] += 1
        self._counts["gas"] += gas
        self.ether[sender] -= gas * price
        placed = (index, block, number)
        signed = (sender, recipient, value, gas * 5 // 4, price, data)
        self._tables["transactions.csv.gz"].add(
            digest, nonce, block, number, index, *signed, self._time(number), 2
        )
        self._tables["receipts.csv.gz"].add(
            digest, *placed, self._counts["gas"], gas, contract, None, status, price
        )
        for log in logs:
            topics = ",".join(log.topics)
            self._tables["logs.csv.gz"].add(
                self._counts["logs"], digest, *placed, log.address, log.data, topics
            )
            self._counts["logs"] += 1
        return digest

    def _block(self) -> int:
        due = self._first_block + (self._agenda.now - self._agenda.opens_at) // _BLOCK_S
        number = max(due, self._open_block)
        if number == self._open_block and self._counts["gas"] > _GAS_LIMIT // 2:
            number += 1
        if number != self._open_block:
            self._seal()
            self._open_block = number
        return number

    def _seal(self) -> None:
        number = self._open_block
        if number >= 0:
            self._tables["blocks.csv"].add(
                number,
                self._digest(f"block {number}"),
                self._digest(f"block {number - 1}"),
                cast.address(self._seed, f"proposer {number % 11}"),
                _GAS_LIMIT,
                self._counts["gas"],
                self._time(number),
                self._counts["transactions"],
            )
        self._counts.clear()

    def _describe(self, address: str, *, is_token: bool) -> None:
        self._tables["contracts.csv"].add(
            address, _BYTECODE, None, is_token, False, self._open_block
        )

    def _time(self, block: int) -> int:
        return self._agenda.opens_at + (block - self._first_block) * _BLOCK_S

    def _gas_price(self) -> int:
        hour = self._agenda.now // 3_600 % 24
        return (8 + min(hour, 24 - hour)) * 10**9

    def _digest(self, what: str) -> str:
        return "0x" + cast.digest(self._seed, f"ethereum {what}").hex()


def _covered(moves: Sequence[Move]) -> bool:
    """Whether every sender holds what it sends, all moves together."""
    needed: Counter[tuple[str, str]] = Counter()
    for token, sender, _, amount in moves:
        if sender != ZERO_EVM:
            needed[token.address, sender] += amount
            if needed[token.address, sender] > token.held[sender]:
                return False
    return True
