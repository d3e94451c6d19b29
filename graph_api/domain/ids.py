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

#: Coinbase transactions that two blocks contain, and the later of them (BIP-30). Their second
#: occurrence is named ``chain:txid@block``; it overwrote the first, whose coins no one can spend.
REPEATED_COINBASES: Final = {
    "d5d27987d2a3dfc724e359870c6644b40e497bdc0589a033220fe15429d88599": 91842,
    "e3bf3d07d4b0375638d5f1db5255fe07ba2c4cb067cd81b84ee974b6585fb468": 91880,
}

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
    """``chain:hash``, or ``chain:txid@block`` for the second of a repeated coinbase.

    Raises: BadInput when the hash has another shape than the chain's.
    """
    if chain.family is Family.UTXO and "@" in transaction_hash:
        txid, _, block = transaction_hash.partition("@")
        txid = normal_hash(chain, txid)
        if block != str(REPEATED_COINBASES.get(txid)):
            raise BadInput(f"{transaction_hash[:80]!r} names a block, but its txid is no repeat.")
        return TransactionId(f"{chain.id}:{txid}@{block}")
    return TransactionId(f"{chain.id}:{normal_hash(chain, transaction_hash)}")


def utxo_transaction_id(chain: Chain, txid: str, block_number: int | None) -> TransactionId:
    """The id of ``txid`` as ``block_number`` contains it. Raises: BadInput."""
    txid = normal_hash(chain, txid)
    if block_number is not None and REPEATED_COINBASES.get(txid) == block_number:
        return TransactionId(f"{chain.id}:{txid}@{block_number}")
    return TransactionId(f"{chain.id}:{txid}")


def output_id(transaction: TransactionId, index: int) -> str:
    """The id of a transaction's output number ``index`` (from 0)."""
    return f"{transaction}:{index}"


def spent_output_id(chain: Chain, txid: str, index: int) -> str:
    """The id of the output that an input names; of a repeated coinbase, the one that counts.

    Raises: BadInput.
    """
    txid = normal_hash(chain, txid)
    return output_id(utxo_transaction_id(chain, txid, REPEATED_COINBASES.get(txid)), index)


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


def chain_id_of(account: AccountId) -> ChainId:
    """The CAIP-2 part of an account id."""
    return ChainId(account.rpartition(":")[0])
