"""Instructions as the chain keeps them: accounts and bytes.

Sources: the interfaces of the system, stake and vote programs (a little-endian tag of four bytes),
of SPL Token and Token-2022 (a tag of one). Instructions that move nothing are left out, and so are
those whose amounts only the balances tell (excess lamports, withheld fees, confidential amounts).
"""

import struct
from collections.abc import Callable, Sequence
from typing import Final

from solders.pubkey import Pubkey

from graph_api.domain.errors import BadInput
from ingest.sources.solana.effects import (
    Burnt,
    Closed,
    Effect,
    Founded,
    Handed,
    Minted,
    Opened,
    Paid,
    Sent,
    Synced,
)
from ingest.sources.solana.pools import is_pool_program, swapped
from ingest.sources.solana.programs import STAKE, SYSTEM, TOKEN, TOKEN_2022, VOTE

Accounts = Sequence[str]
_Reader = Callable[[Accounts, bytes], Effect]
_ACCOUNT_OWNER: Final = 2
_BATCH: Final = 255


def effects(program: str, accounts: Accounts, data: bytes) -> tuple[Effect, ...]:
    """What the instruction does to balances. Raises: BadInput when it cannot have succeeded."""
    try:
        if is_pool_program(program):
            return swapped(program, accounts, data)
        return _PROGRAMS[program](accounts, data)
    except (IndexError, struct.error, ValueError):
        raise BadInput(f"An instruction of {program} is shorter than it must be.") from None


def is_read(program: str) -> bool:
    """Whether instructions of ``program`` can have effects of their own."""
    return program in _PROGRAMS or is_pool_program(program)


def _wide(readers: dict[int, _Reader]) -> Callable[[Accounts, bytes], tuple[Effect, ...]]:
    """A program whose tags are four bytes wide."""

    def read(accounts: Accounts, data: bytes) -> tuple[Effect, ...]:
        reader = readers.get(_u32(data, 0))
        return (reader(accounts, data),) if reader else ()

    return read


def _token(accounts: Accounts, data: bytes) -> tuple[Effect, ...]:
    if data[0] == _BATCH:
        return _batch(accounts, data)
    tag = data[:2] if data[0] == _FEES else data[:1]
    if tag == b"\x06" and (data[1] != _ACCOUNT_OWNER or not data[2]):
        return ()
    reader = _TOKEN.get(tag)
    return (reader(accounts, data),) if reader else ()


def _batch(accounts: Accounts, data: bytes) -> tuple[Effect, ...]:
    """Several instructions in one: each with how many accounts and bytes it takes."""
    found: list[Effect] = []
    at, account = 1, 0
    while at < len(data):
        taken, size = data[at], data[at + 1]
        found += _token(accounts[account : account + taken], data[at + 2 : at + 2 + size])
        at, account = at + 2 + size, account + taken
    return tuple(found)


def _u32(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])


def _u64(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<Q", data, at)[0])


def _key(data: bytes, at: int) -> str:
    key = data[at : at + 32]
    if len(key) < 32:  # the library panics, which no one can catch
        raise ValueError("A key has 32 bytes.")
    return str(Pubkey.from_bytes(key))


def _seeded(data: bytes) -> int:
    """Lamports that stand behind a base key and a seed."""
    return _u64(data, 4 + 32 + 8 + _u64(data, 4 + 32))


_FEES: Final = 26
_SYSTEM: Final[dict[int, _Reader]] = {
    0: lambda a, d: Paid(a[0], a[1], _u64(d, 4)),  # CreateAccount
    2: lambda a, d: Paid(a[0], a[1], _u64(d, 4)),  # Transfer
    3: lambda a, d: Paid(a[0], a[1], _seeded(d)),  # CreateAccountWithSeed
    5: lambda a, d: Paid(a[0], a[1], _u64(d, 4)),  # WithdrawNonceAccount
    11: lambda a, d: Paid(a[0], a[2], _u64(d, 4)),  # TransferWithSeed
    # CreateAccountAllowPrefund names no payer where there is nothing to pay.
    13: lambda a, d: Paid(a[1] if _u64(d, 4) else a[0], a[0], _u64(d, 4)),
}
_STAKE: Final[dict[int, _Reader]] = {
    3: lambda a, d: Paid(a[0], a[1], _u64(d, 4)),  # Split
    4: lambda a, d: Paid(a[0], a[1], _u64(d, 4)),  # Withdraw
    7: lambda a, _: Closed(a[1], a[0]),  # Merge
    16: lambda a, d: Paid(a[0], a[1], _u64(d, 4)),  # MoveStake
    17: lambda a, d: Paid(a[0], a[1], _u64(d, 4)),  # MoveLamports
}
_VOTE: Final[dict[int, _Reader]] = {
    3: lambda a, d: Paid(a[0], a[1], _u64(d, 4)),  # Withdraw
}
_TOKEN: Final[dict[bytes, _Reader]] = {
    b"\x00": lambda a, d: Founded(a[0], d[1]),  # InitializeMint
    b"\x01": lambda a, _: Opened(a[0], a[1], a[2]),  # InitializeAccount
    b"\x03": lambda a, d: Sent(a[0], a[1], _u64(d, 1)),  # Transfer
    b"\x06": lambda a, d: Handed(a[0], _key(d, 3)),  # SetAuthority
    b"\x07": lambda a, d: Minted(a[0], a[1], _u64(d, 1)),  # MintTo
    b"\x08": lambda a, d: Burnt(a[0], a[1], _u64(d, 1)),  # Burn
    b"\x09": lambda a, _: Closed(a[0], a[1]),  # CloseAccount
    b"\x0c": lambda a, d: Sent(a[0], a[2], _u64(d, 1), a[1]),  # TransferChecked
    b"\x0e": lambda a, d: Minted(a[0], a[1], _u64(d, 1)),  # MintToChecked
    b"\x0f": lambda a, d: Burnt(a[0], a[1], _u64(d, 1)),  # BurnChecked
    b"\x10": lambda a, d: Opened(a[0], a[1], _key(d, 1)),  # InitializeAccount2
    b"\x11": lambda a, _: Synced(a[0]),  # SyncNative
    b"\x12": lambda a, d: Opened(a[0], a[1], _key(d, 1)),  # InitializeAccount3
    b"\x14": lambda a, d: Founded(a[0], d[1]),  # InitializeMint2
    b"\x1a\x01": lambda a, d: Sent(a[0], a[2], _u64(d, 2), a[1]),  # TransferCheckedWithFee
}
_PROGRAMS: Final = {
    SYSTEM: _wide(_SYSTEM),
    STAKE: _wide(_STAKE),
    VOTE: _wide(_VOTE),
    TOKEN: _token,
    TOKEN_2022: _token,
}
