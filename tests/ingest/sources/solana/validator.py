"""Solana's own runtime and programs in this process, told as a node tells blocks.

Transactions are executed by the real virtual machine (LiteSVM, in solders) with the real system,
token, stake and associated-account programs. Balances before and after are read from its accounts.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import base58
from solders.account import Account
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from tests.ingest.sources.json_rpc import Refusal
from tests.ingest.sources.solana.rendering import parsed

GENESIS = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
WRAPPED = "So11111111111111111111111111111111111111112"
FIRST_TIME = 1_700_000_000


@dataclass(frozen=True)
class TokenState:
    """A token account as its bytes say."""

    program: str
    mint: str
    owner: str
    amount: int
    decimals: int


@dataclass
class Done:
    """One executed transaction with everything that was seen of it."""

    transaction: VersionedTransaction
    keys: list[str]
    loaded: dict[str, list[str]]
    inner: list[list[Any]]
    error: Any
    fee: int
    units: int
    lamports: tuple[list[int], list[int]]
    tokens: tuple[dict[str, TokenState], dict[str, TokenState]]

    @property
    def signature(self) -> str:
        return str(self.transaction.signatures[0])


class Validator:
    """The runtime, with accounts of our making."""

    def __init__(self) -> None:
        self.svm = LiteSVM()
        mint = (0).to_bytes(4, "little") + bytes(32) + bytes(8) + b"\x09\x01" + bytes(36)
        self.svm.set_account(
            Pubkey.from_string(WRAPPED), Account(1_461_600, mint, Pubkey.from_string(TOKEN))
        )

    def wallet(self, number: int, *, lamports: int = 10**11) -> Keypair:
        """A keypair that is the same in every run, with some SOL."""
        keypair = Keypair.from_seed(number.to_bytes(32, "big"))
        if lamports:
            self.svm.airdrop(keypair.pubkey(), lamports)
        return keypair

    def token(self, account: Pubkey | str) -> TokenState | None:
        """What a token account holds now."""
        found = self.svm.get_account(Pubkey.from_string(str(account)))
        if found is None or str(found.owner) not in (TOKEN, TOKEN_2022):
            return None
        data = bytes(found.data)
        if len(data) < 165 or (len(data) > 165 and data[165] != 2) or data[108] == 0:
            return None
        mint = Pubkey.from_bytes(data[:32])
        minted = self.svm.get_account(mint)
        assert minted is not None
        return TokenState(
            program=str(found.owner),
            mint=str(mint),
            owner=str(Pubkey.from_bytes(data[32:64])),
            amount=int.from_bytes(data[64:72], "little"),
            decimals=bytes(minted.data)[44],
        )

    def send(
        self,
        payer: Keypair,
        instructions: Sequence[Instruction],
        *signers: Keypair,
        tables: Sequence[AddressLookupTableAccount] = (),
    ) -> Done:
        """Execute a versioned transaction."""
        self.svm.expire_blockhash()
        message = MessageV0.try_compile(
            payer.pubkey(), list(instructions), list(tables), self.svm.latest_blockhash()
        )
        wanted = {
            str(key) for key in message.account_keys[: message.header.num_required_signatures]
        }
        known = {str(one.pubkey()): one for one in (payer, *signers)}
        transaction = VersionedTransaction(message, [known[key] for key in self._order(message)])
        assert wanted == set(self._order(message))
        loaded = _loaded(message, tables)
        keys = [*map(str, message.account_keys), *loaded["writable"], *loaded["readonly"]]
        before = self._lamports(keys), self._tokens(keys)
        result = self.svm.send_transaction(transaction)
        error = None
        if isinstance(result, FailedTransactionMetadata):
            error, result = str(result.err()), result.meta()
        after = self._lamports(keys), self._tokens(keys)
        return Done(
            transaction=transaction,
            keys=keys,
            loaded=loaded,
            inner=result.inner_instructions(),
            error=error,
            fee=result.fee(),
            units=result.compute_units_consumed(),
            lamports=(before[0], after[0]),
            tokens=(before[1], after[1]),
        )

    @staticmethod
    def _order(message: MessageV0) -> list[str]:
        count = message.header.num_required_signatures
        return [str(key) for key in message.account_keys[:count]]

    def _lamports(self, keys: Sequence[str]) -> list[int]:
        return [self.svm.get_balance(Pubkey.from_string(key)) or 0 for key in keys]

    def _tokens(self, keys: Sequence[str]) -> dict[str, TokenState]:
        return {key: state for key in keys if (state := self.token(key)) is not None}


def _loaded(
    message: MessageV0, tables: Sequence[AddressLookupTableAccount]
) -> dict[str, list[str]]:
    by_key = {str(table.key): table.addresses for table in tables}
    writable, readonly = [], []
    for used in message.address_table_lookups:
        addresses = by_key[str(used.account_key)]
        writable += [str(addresses[at]) for at in used.writable_indexes]
        readonly += [str(addresses[at]) for at in used.readonly_indexes]
    return {"writable": writable, "readonly": readonly}


def told(done: Done, encoding: str) -> dict[str, Any]:
    """The transaction as a node of ``encoding`` tells it in a block."""
    message = done.transaction.message
    outer = [
        _instruction(one.program_id_index, bytes(one.accounts), bytes(one.data), done, encoding)
        for one in message.instructions
    ]
    inner = [
        {
            "index": number,
            "instructions": [
                _instruction(
                    one.instruction().program_id_index,
                    bytes(one.instruction().accounts),
                    bytes(one.instruction().data),
                    done,
                    "jsonParsed" if encoding == "jsonParsed" else "json",
                )
                for one in calls
            ],
        }
        for number, calls in enumerate(done.inner)
        if calls
    ]
    meta: dict[str, Any] = {
        "err": done.error,
        "fee": done.fee,
        "preBalances": list(done.lamports[0]),
        "postBalances": list(done.lamports[1]),
        "innerInstructions": inner,
        "preTokenBalances": _balances(done, 0),
        "postTokenBalances": _balances(done, 1),
        "computeUnitsConsumed": done.units,
        "logMessages": [],
        "rewards": [],
    }
    static = [str(key) for key in message.account_keys]
    if encoding == "base64":
        text = b64encode(bytes(done.transaction)).decode()
        return {"transaction": [text, "base64"], "meta": meta | {"loadedAddresses": done.loaded}}
    keys: list[Any] = static
    if encoding == "jsonParsed":
        keys = [
            {"pubkey": key, "signer": n == 0, "writable": True} for n, key in enumerate(done.keys)
        ]
    else:
        meta["loadedAddresses"] = done.loaded
    body = {
        "signatures": [str(one) for one in done.transaction.signatures],
        "message": {"accountKeys": keys, "instructions": outer},
    }
    return {"transaction": body, "meta": meta, "version": 0}


def _instruction(program: int, accounts: bytes, data: bytes, done: Done, encoding: str) -> Any:
    if encoding != "jsonParsed":
        return {
            "programIdIndex": program,
            "accounts": list(accounts),
            "data": base58.b58encode(data).decode(),
            "stackHeight": None,
        }
    named = [done.keys[at] for at in accounts]
    found = parsed(done.keys[program], named, data)
    if found is not None:
        return {"programId": done.keys[program], "program": "any", "parsed": found}
    return {
        "programId": done.keys[program],
        "accounts": named,
        "data": base58.b58encode(data).decode(),
    }


def _balances(done: Done, moment: int) -> list[dict[str, Any]]:
    return [
        {
            "accountIndex": done.keys.index(key),
            "mint": state.mint,
            "owner": state.owner,
            "programId": state.program,
            "uiTokenAmount": {"amount": str(state.amount), "decimals": state.decimals},
        }
        for key, state in done.tokens[moment].items()
    ]


def enhanced(done: Done, slot: int) -> dict[str, Any]:
    """The transaction as an enhanced webhook tells it."""
    before, after = done.tokens

    def called(one: Any) -> dict[str, Any]:
        return {
            "programId": done.keys[one.program_id_index],
            "accounts": [done.keys[at] for at in bytes(one.accounts)],
            "data": base58.b58encode(bytes(one.data)).decode(),
        }

    def changes(key: str) -> list[dict[str, Any]]:
        state = after.get(key) or before.get(key)
        old, new = (side[key].amount if key in side else 0 for side in (before, after))
        if state is None or old == new:
            return []
        amount = {"tokenAmount": str(new - old), "decimals": state.decimals}
        return [
            {
                "userAccount": state.owner,
                "tokenAccount": key,
                "mint": state.mint,
                "rawTokenAmount": amount,
            }
        ]

    return {
        "description": "",
        "type": "UNKNOWN",
        "source": "UNKNOWN",
        "fee": done.fee,
        "feePayer": done.keys[0],
        "signature": done.signature,
        "slot": slot,
        "timestamp": FIRST_TIME + slot,
        "nativeTransfers": [],
        "tokenTransfers": [],
        "transactionError": done.error and {"error": done.error},
        "instructions": [
            called(one)
            | {"innerInstructions": [called(inner.instruction()) for inner in done.inner[number]]}
            for number, one in enumerate(done.transaction.message.instructions)
        ],
        "accountData": [
            {
                "account": key,
                "nativeBalanceChange": new - old,
                "tokenBalanceChanges": changes(key),
            }
            for key, old, new in zip(done.keys, *done.lamports, strict=True)
        ],
        "events": {},
    }


@dataclass
class SolanaNode:
    """A node that tells blocks: by slot, each with what was executed in it."""

    blocks: dict[int, list[Done]] = field(default_factory=dict)
    rewards: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    fork: str = ""
    forks: dict[int, str] = field(default_factory=dict)
    slot: int | None = None
    final: int = 0
    genesis: str = GENESIS
    unready: int = 0

    def hash_of(self, slot: int) -> str:
        return base58.b58encode(
            f"{self.forks.get(slot, self.fork)}{slot}".rjust(32, "#").encode()
        ).decode()

    def __call__(self, method: str, params: list[Any]) -> Any:
        match method, params:
            case "getGenesisHash", []:
                return self.genesis
            case "getSlot", [{"commitment": "finalized"}]:
                return self.final
            case "getSlot", _:
                return max(self.blocks) if self.slot is None else self.slot
            case "getBlocks", [first, last, _]:
                return [slot for slot in sorted(self.blocks) if first <= slot <= last]
            case "getBlock", [slot, options]:
                return self._block(slot, options)
        raise Refusal(-32601, "Method not found")

    def _block(self, slot: int, options: dict[str, Any]) -> dict[str, Any]:
        assert options["maxSupportedTransactionVersion"] == 0
        if self.unready:
            self.unready -= 1
            raise Refusal(-32004, f"Block not available for slot {slot}")
        if slot not in self.blocks:
            raise Refusal(-32007, f"Slot {slot} was skipped, or missing due to ledger jump")
        parent = max((other for other in self.blocks if other < slot), default=5)
        head = {
            "blockhash": self.hash_of(slot),
            "previousBlockhash": self.hash_of(parent),
            "parentSlot": parent,
            "blockTime": FIRST_TIME + slot,
            "blockHeight": slot,
        }
        if options["transactionDetails"] == "none":
            return head
        return head | {
            "transactions": [told(done, options["encoding"]) for done in self.blocks[slot]],
            "rewards": self.rewards.get(slot, []),
        }
