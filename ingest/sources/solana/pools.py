"""Swaps of pools: which instruction of which program swaps, and which accounts are the pool's.

Programs made with Anchor start an instruction with eight bytes of the hash of its name. What a
pool took in and paid out are the tokens that move into and out of its vaults meanwhile.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from ingest.sources.solana.effects import Swapped

METEORA_DLMM: Final = "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo"
RAYDIUM_CLMM: Final = "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK"


class _Pool(NamedTuple):
    """Where a swap's accounts stand; ``sorted`` pools keep their tokens in the mints' order."""

    protocol: str
    swaps: tuple[str, ...]
    pool: int
    vaults: tuple[int, int]
    user: int
    sorted: bool


_POOLS: Final = {
    METEORA_DLMM: _Pool(
        protocol="meteora_dlmm",
        swaps=(
            "swap",
            "swap2",
            "swap_exact_out",
            "swap_exact_out2",
            "swap_with_price_impact",
            "swap_with_price_impact2",
        ),
        pool=0,
        vaults=(2, 3),
        user=10,
        sorted=False,
    ),
    RAYDIUM_CLMM: _Pool(
        protocol="raydium_clmm",
        swaps=("swap", "swap_v2"),
        pool=2,
        vaults=(5, 6),
        user=0,
        sorted=True,
    ),
}


def discriminator(name: str) -> bytes:
    """The first bytes of an Anchor instruction called ``name``."""
    return hashlib.sha256(f"global:{name}".encode()).digest()[:8]


_SWAPS: Final = {
    (program, discriminator(name)): pool for program, pool in _POOLS.items() for name in pool.swaps
}


def is_pool_program(program: str) -> bool:
    """Whether swaps of ``program`` are known."""
    return program in _POOLS


def swapped(program: str, accounts: Sequence[str], data: bytes) -> tuple[Swapped, ...]:
    """The swap that an instruction makes, if it is one whose accounts stand where we know."""
    found = _SWAPS.get((program, data[:8]))
    if found is None or len(accounts) <= max(found.pool, *found.vaults, found.user):
        return ()
    first, second = found.vaults
    return (
        Swapped(
            protocol=found.protocol,
            pool=accounts[found.pool],
            vaults=(accounts[first], accounts[second]),
            user=accounts[found.user],
            sorted=found.sorted,
        ),
    )
