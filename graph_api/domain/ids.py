"""CAIP ids: how chains, accounts, tokens and transactions are named everywhere.

Source: CAIP-2 (chains), CAIP-10 (accounts), CAIP-19 (assets).
"""

import re
from typing import Final, NewType

from graph_api.domain.addresses import normal_address
from graph_api.domain.chains import EVM_CHAINS, Chain, Family, chain_of
from graph_api.domain.errors import BadInput

ChainId = NewType("ChainId", str)
AccountId = NewType("AccountId", str)
TokenId = NewType("TokenId", str)
TransactionId = NewType("TransactionId", str)
TransferId = NewType("TransferId", str)

_EVM_HASH: Final = re.compile(r"0x[0-9a-f]{64}")
_UTXO_HASH: Final = re.compile(r"[0-9a-f]{64}")
_NAMESPACES: Final = {Family.EVM: "erc20", Family.SOLANA: "token", Family.UTXO: "token"}


def account_id(chain: Chain, address: str) -> AccountId:
    """The CAIP-10 id of ``address`` (any letter case) on ``chain``. Raises: BadInput."""
    return AccountId(f"{chain.id}:{normal_address(chain, address)}")


def token_id(chain: Chain, address: str) -> TokenId:
    """The CAIP-19 id of the token contract (or mint) at ``address``. Raises: BadInput."""
    return TokenId(f"{chain.id}/{_NAMESPACES[chain.family]}:{normal_address(chain, address)}")


def native_token(chain: Chain) -> TokenId:
    """The chain's own coin."""
    return TokenId(chain.native)


def transaction_id(chain: Chain, transaction_hash: str) -> TransactionId:
    """``chain:hash``. Raises: BadInput when the hash has another shape than the chain's."""
    return TransactionId(f"{chain.id}:{normal_hash(chain, transaction_hash)}")


def normal_hash(chain: Chain, text: str) -> str:
    """The stored form of a transaction hash: lower-case hex, base58 (Solana) as it is."""
    if chain.family is Family.SOLANA:
        return text.strip()
    lower = text.strip().lower()
    shape = _EVM_HASH if chain.family is Family.EVM else _UTXO_HASH
    if not shape.fullmatch(lower):
        wanted = "0x and 64" if chain.family is Family.EVM else "64"
        raise BadInput(
            f"{text[:80]!r} is no transaction hash of {chain.name}; it needs {wanted} hex digits."
        )
    return lower


def chain_of_id(some_id: str) -> Chain:
    """The chain that a CAIP-10 account, CAIP-19 token, transaction or transfer id belongs to."""
    namespace, _, rest = some_id.partition(":")
    reference = re.split(r"[:/]", rest, maxsplit=1)[0]
    return chain_of(f"{namespace}:{reference}")


def address_of(account: AccountId | TokenId) -> str:
    """The address part of an account or token id."""
    return account.rpartition(":")[2]


def parse_account(text: str) -> AccountId:
    """An account id with a CAIP-2 chain or a slug before the address: ``ethereum:0x…``.

    Raises: BadInput when chain or address is missing or wrong.
    """
    prefix, _, address = text.strip().rpartition(":")
    if not prefix:
        raise BadInput(
            f"{text[:90]!r} names no chain; write it as ethereum:{text[:42]} or as a CAIP-10 id."
        )
    return account_id(chain_of(prefix), address)


def parse_token(text: str) -> TokenId:
    """A token id: CAIP-19, ``ethereum/erc20:0x…``, ``ethereum:0x…``, or a chain for its coin.

    Raises: BadInput.
    """
    bare = text.strip()
    if "/" in bare:
        prefix, _, asset = bare.partition("/")
        chain = chain_of(prefix)
        namespace, _, reference = asset.partition(":")
        if namespace == "slip44":
            if f"{chain.id}/{asset}" != chain.native:
                raise BadInput(
                    f"{text[:90]!r} is not the coin of {chain.name}; that is {chain.native}."
                )
            return native_token(chain)
        return token_id(chain, reference)
    prefix, _, address = bare.rpartition(":")
    if prefix and prefix.lower() not in ("eip155", "bip122", "solana"):
        return token_id(chain_of(prefix), address)
    return native_token(chain_of(bare))


def parse_transaction(text: str) -> TransactionId:
    """``ethereum:0x…`` or ``eip155:1:0x…``. Raises: BadInput."""
    prefix, _, transaction_hash = text.strip().rpartition(":")
    if not prefix:
        raise BadInput(f"{text[:90]!r} names no chain; write it as ethereum:{text[:70]}.")
    return transaction_id(chain_of(prefix), transaction_hash)


def evm_accounts(address: str) -> tuple[AccountId, ...]:
    """``address`` on every EVM chain: what a label without a chain speaks of."""
    return tuple(account_id(chain, address) for chain in EVM_CHAINS)
