"""What a text that somebody typed may name: accounts, tokens and transactions, on every chain."""

import re
from contextlib import suppress
from typing import Final

import msgspec

from graph_api.domain.chains import CHAINS, Chain, Family
from graph_api.domain.errors import BadInput
from graph_api.domain.ids import (
    AccountId,
    TokenId,
    TransactionId,
    account_id,
    parse_account,
    parse_token,
    parse_transaction,
    token_id,
    transaction_id,
)

#: Shorter beginnings of addresses and hashes name too many.
SHORTEST: Final = 6
_EVM_HEX: Final = re.compile(r"(?:0x)?([0-9a-f]{4,64})", re.IGNORECASE)
_BARE: Final = re.compile(r"(?!0x)[0-9A-Za-z]{6,90}")


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Ids that a text may stand for; most of them exist on no chain.

    ``wallets_from`` and ``transactions_from`` are what ids begin with, of an address or hash that
    was not typed to its end.
    """

    accounts: tuple[AccountId, ...] = ()
    tokens: tuple[TokenId, ...] = ()
    transactions: tuple[TransactionId, ...] = ()
    wallets_from: tuple[str, ...] = ()
    transactions_from: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the text is an address or a hash, and so no words to look for."""
        return bool(self.accounts or self.transactions)


def named(text: str) -> Named:
    """What ``text`` may name: an id, or an address or a hash in any letter case."""
    bare = text.strip()
    if ":" in bare or "/" in bare:
        return _by_ids(bare)
    found = _by_address(bare)
    return found if found.whole else _by_beginning(bare)


def _by_ids(text: str) -> Named:
    accounts, tokens, transactions = [], [], []
    with suppress(BadInput):
        accounts.append(parse_account(text))
    with suppress(BadInput):
        tokens.append(parse_token(text))
    with suppress(BadInput):
        transactions.append(parse_transaction(text))
    return Named(accounts=tuple(accounts), tokens=tuple(tokens), transactions=tuple(transactions))


def _by_address(text: str) -> Named:
    accounts, tokens, transactions = [], [], []
    for chain in CHAINS:
        # A letter in the wrong case does not make it another EVM address.
        typed = _evm(text) if chain.family is Family.EVM else text
        with suppress(BadInput):
            accounts.append(account_id(chain, typed))
            tokens.append(token_id(chain, typed))
        if chain.family is not Family.SOLANA or 80 <= len(typed) <= 90:
            with suppress(BadInput):
                transactions.append(transaction_id(chain, _hash(chain, typed)))
    return Named(accounts=tuple(accounts), tokens=tuple(tokens), transactions=tuple(transactions))


def _by_beginning(text: str) -> Named:
    wallets: list[str] = []
    transactions: list[str] = []
    digits = _EVM_HEX.fullmatch(text)
    for chain in CHAINS:
        if chain.family is Family.EVM:
            if digits and len(digits[1]) + 2 >= SHORTEST:
                begin = f"{chain.id}:0x{digits[1].lower()}"
                transactions.append(begin)
                if len(digits[1]) < 40:
                    wallets.append(begin)
        elif _BARE.fullmatch(text):
            wallets.append(f"{chain.id}:{text}")
            hexadecimal = digits is not None and not text.lower().startswith("0x")
            if chain.family is Family.UTXO and hexadecimal:
                transactions.append(f"{chain.id}:{text.lower()}")
    return Named(wallets_from=tuple(wallets), transactions_from=tuple(transactions))


def _evm(text: str) -> str:
    lower = text.lower()
    return lower if lower.startswith("0x") else f"0x{lower}"


def _hash(chain: Chain, text: str) -> str:
    return text.lower().removeprefix("0x") if chain.family is Family.UTXO else text
