"""Bitcoin locking scripts: which address one pays to.

Sources: BIP-13 (P2SH), BIP-141 (witness programs), BIP-173 and BIP-350 (their addresses). A
pay-to-public-key script has no address form of its own; like the reference client up to version
21, it is given the address of its key's hash.
"""

import hashlib
import re
from typing import Final

import base58
from Crypto.Hash import RIPEMD160

from graph_api.domain.addresses import BECH32_LETTERS, BECH32M_CHECKSUM, bech32_polymod

_KEY: Final = re.compile(r"21(0[23][0-9a-f]{64})ac|41(0[467][0-9a-f]{128})ac")
_KEY_HASH: Final = re.compile(r"76a914([0-9a-f]{40})88ac")
_SCRIPT_HASH: Final = re.compile(r"a914([0-9a-f]{40})87")
_WITNESS: Final = re.compile(r"(00|5[1-9a-f]|60)([0-9a-f]{2})((?:[0-9a-f]{2}){2,40})")


def address_of_script(script: str) -> str | None:
    """The address that a script (hex) pays to; None for bare multisig, data and odd scripts."""
    script = script.lower()
    if found := _KEY.fullmatch(script):
        return key_hash_address(hash160(bytes.fromhex(found[1] or found[2])))
    if found := _KEY_HASH.fullmatch(script):
        return key_hash_address(bytes.fromhex(found[1]))
    if found := _SCRIPT_HASH.fullmatch(script):
        return script_hash_address(bytes.fromhex(found[1]))
    if found := _WITNESS.fullmatch(script):
        version, program = int(found[1], 16), bytes.fromhex(found[3])
        if int(found[2], 16) == len(program) and (version or len(program) in (20, 32)):
            return witness_address(version - 0x50 if version else 0, program)
    return None


def is_key_script(script: str) -> bool:
    """Whether a script (hex) names the public key itself, of which its address is but a hash."""
    return _KEY.fullmatch(script.lower()) is not None


def hash160(data: bytes) -> bytes:
    """RIPEMD-160 of SHA-256: how keys and scripts are hashed."""
    return RIPEMD160.new(hashlib.sha256(data).digest()).digest()


def key_hash_address(digest: bytes) -> str:
    """P2PKH (``1…``)."""
    return base58.b58encode_check(b"\x00" + digest).decode()


def script_hash_address(digest: bytes) -> str:
    """P2SH (``3…``)."""
    return base58.b58encode_check(b"\x05" + digest).decode()


def witness_address(version: int, program: bytes) -> str:
    """Segwit (``bc1…``): bech32 for version 0, bech32m for later ones."""
    bits = "".join(f"{byte:08b}" for byte in program)
    bits += "0" * (-len(bits) % 5)
    data = [version, *(int(bits[at : at + 5], 2) for at in range(0, len(bits), 5))]
    prefix = [3, 3, 0, 2, 3]
    wanted = BECH32M_CHECKSUM if version else 1
    checksum = bech32_polymod([*prefix, *data, 0, 0, 0, 0, 0, 0]) ^ wanted
    data += [checksum >> 5 * (5 - place) & 31 for place in range(6)]
    return "bc1" + "".join(BECH32_LETTERS[value] for value in data)
