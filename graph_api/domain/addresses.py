"""Addresses of every family: what is valid, the stored form and the form people read.

Sources: EIP-55 (mixed-case checksum), BIP-13 and BIP-350 (Bitcoin), base58 keys of 32 bytes
(Solana), the Ethereum yellow paper §7 (address of a created contract).
"""

import re
from functools import lru_cache
from typing import Final

import base58
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from graph_api.domain.chains import Chain, Family
from graph_api.domain.errors import BadInput

ZERO_EVM: Final = "0x" + "0" * 40

_EVM: Final = re.compile(r"0x[0-9a-f]{40}")
BECH32_LETTERS: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32M_CHECKSUM: Final = 0x2BC830A3
_BITCOIN_VERSIONS: Final = {0x00, 0x05}


def normal_address(chain: Chain, text: str) -> str:
    """The stored form of ``text`` on ``chain``: EVM hex and bech32 in lower case, base58 as is.

    Raises: BadInput when it is no address of that chain, or its checksum is wrong.
    """
    if chain.family is Family.EVM:
        return evm_address(text)
    address = text.strip()
    if chain.family is Family.UTXO:
        if address[:3].lower() == "bc1":
            return _segwit(address)
        return _base58check(address)
    return _solana(address)


def evm_address(text: str) -> str:
    """Lower-case hex; a mixed-case address must carry its EIP-55 checksum."""
    # Nearly every address in a file is lower case already: one match settles it.
    if _EVM.fullmatch(text):
        return text
    bare = text.strip()
    lower = bare.lower()
    if not _EVM.fullmatch(lower):
        raise BadInput(f"{_shown(text)} is no EVM address; it needs 0x and 40 hex digits.")
    digits = bare[2:]
    if digits not in (digits.lower(), digits.upper()) and to_checksum_address(lower) != (
        "0x" + digits
    ):
        raise BadInput(
            f"{_shown(text)} has a wrong EIP-55 checksum; check its letters or write it in "
            "lower case."
        )
    return lower


# The checksum is a Keccak hash, the dearest part of answering a page of wallets.
@lru_cache(maxsize=100_000)
def shown_address(chain: Chain, address: str) -> str:
    """The form people read: EIP-55 for EVM, unchanged elsewhere."""
    return str(to_checksum_address(address)) if chain.family is Family.EVM else address


def created_contract(sender: str, nonce: int) -> str:
    """The address that a contract creation of ``sender`` with ``nonce`` gets (no CREATE2)."""
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    if nonce == 0:
        encoded = b"\x80"
    elif nonce < 0x80:
        encoded = number
    else:
        encoded = bytes([0x80 + len(number)]) + number
    payload = b"\x94" + bytes.fromhex(sender[2:]) + encoded
    return "0x" + keccak(bytes([0xC0 + len(payload)]) + payload)[12:].hex()


def _base58check(address: str) -> str:
    try:
        payload = base58.b58decode_check(address)
    except ValueError:
        raise BadInput(
            f"{_shown(address)} is no Bitcoin address; its base58 checksum is wrong."
        ) from None
    if len(payload) != 21 or payload[0] not in _BITCOIN_VERSIONS:
        raise BadInput(f"{_shown(address)} is an address of another chain than Bitcoin.")
    return address


def _segwit(address: str) -> str:
    lower = address.lower()
    data = [BECH32_LETTERS.find(letter) for letter in lower[3:]]
    wrong = BadInput(f"{_shown(address)} is no Bitcoin address; its bech32 checksum is wrong.")
    if address not in (lower, address.upper()) or -1 in data or not 14 <= len(lower) <= 90:
        raise wrong
    # Version 0 programs carry bech32, later ones bech32m (BIP-350).
    if bech32_polymod([3, 3, 0, 2, 3, *data]) != (1 if data[0] == 0 else BECH32M_CHECKSUM):
        raise wrong
    return lower


def bech32_polymod(values: list[int]) -> int:
    """The checksum of BIP-173 over 5-bit values."""
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, factor in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= factor if top >> bit & 1 else 0
    return checksum


def _solana(address: str) -> str:
    try:
        key = base58.b58decode(address)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadInput(f"{_shown(address)} is no Solana address; it needs base58 of 32 bytes.")
    return address


def _shown(text: str) -> str:
    return repr(text if len(text) <= 90 else text[:87] + "…")
