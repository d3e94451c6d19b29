"""Programs and accounts of Solana that have a meaning here, by their addresses."""

from typing import Final

SYSTEM: Final = "11111111111111111111111111111111"
STAKE: Final = "Stake11111111111111111111111111111111111111"
VOTE: Final = "Vote111111111111111111111111111111111111111"
COMPUTE_BUDGET: Final = "ComputeBudget111111111111111111111111111111"
TOKEN: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"  # noqa: S105 - an address
TOKEN_2022: Final = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"  # noqa: S105 - an address

#: The key of 32 zero bytes, which nobody holds: where burnt tokens and lamports go.
NOBODY: Final = SYSTEM

#: Mints that stand for SOL itself, with what an account of theirs keeps for its rent: a token
#: account of 165 bytes; Token-2022 adds 5 bytes to associated ones.
NATIVE_MINTS: Final = {
    "So11111111111111111111111111111111111111112": 2_039_280,
    "9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXej9": 2_074_080,
}
