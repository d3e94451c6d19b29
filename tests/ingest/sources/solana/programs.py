"""Instructions of the programs that tests call, as their interfaces lay them out."""

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from tests.ingest.sources.solana.validator import TOKEN, TOKEN_2022

ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
SYSTEM = Pubkey.from_string("11111111111111111111111111111111")
RENT = Pubkey.from_string("SysvarRent111111111111111111111111111111111")
CLOCK = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
HISTORY = Pubkey.from_string("SysvarStakeHistory1111111111111111111111111")
STAKE = Pubkey.from_string("Stake11111111111111111111111111111111111111")
SPL = Pubkey.from_string(TOKEN)
SPL_2022 = Pubkey.from_string(TOKEN_2022)


def u64(number: int) -> bytes:
    return number.to_bytes(8, "little")


def call(
    program: Pubkey, data: bytes, *accounts: Pubkey, signers: tuple[Pubkey, ...] = ()
) -> Instruction:
    """An instruction; every account may be written to, but for programs and sysvars."""
    fixed = {SYSTEM, RENT, CLOCK, HISTORY, SPL, SPL_2022, STAKE}
    return Instruction(
        program, data, [AccountMeta(a, a in signers, a not in fixed) for a in accounts]
    )


def associated(owner: Pubkey, mint: Pubkey, program: Pubkey = SPL) -> Pubkey:
    found, _ = Pubkey.find_program_address([bytes(owner), bytes(program), bytes(mint)], ASSOCIATED)
    return found


def create_associated(
    payer: Pubkey, owner: Pubkey, mint: Pubkey, program: Pubkey = SPL
) -> Instruction:
    account = associated(owner, mint, program)
    return call(ASSOCIATED, b"\x01", payer, account, owner, mint, SYSTEM, program, signers=(payer,))


def found_mint(
    mint: Pubkey, authority: Pubkey, *, decimals: int, program: Pubkey = SPL
) -> Instruction:
    return call(program, bytes([20, decimals]) + bytes(authority) + b"\0", mint)


def take_fees(mint: Pubkey, authority: Pubkey, *, bps: int, most: int) -> Instruction:
    key = b"\x01" + bytes(authority)
    return call(SPL_2022, b"\x1a\0" + key + key + bps.to_bytes(2, "little") + u64(most), mint)


def open_account(account: Pubkey, mint: Pubkey, owner: Pubkey) -> Instruction:
    return call(SPL, b"\x12" + bytes(owner), account, mint)


def mint_to(
    mint: Pubkey, to: Pubkey, by: Pubkey, amount: int, program: Pubkey = SPL
) -> Instruction:
    return call(program, b"\x07" + u64(amount), mint, to, by, signers=(by,))


def send(source: Pubkey, to: Pubkey, by: Pubkey, amount: int, program: Pubkey = SPL) -> Instruction:
    return call(program, b"\x03" + u64(amount), source, to, by, signers=(by,))


def send_checked(
    source: Pubkey,
    mint: Pubkey,
    to: Pubkey,
    by: Pubkey,
    amount: int,
    *,
    decimals: int,
    program: Pubkey = SPL,
) -> Instruction:
    data = b"\x0c" + u64(amount) + bytes([decimals])
    return call(program, data, source, mint, to, by, signers=(by,))


def send_with_fee(
    source: Pubkey, mint: Pubkey, to: Pubkey, by: Pubkey, amount: int, *, decimals: int, fee: int
) -> Instruction:
    data = b"\x1a\x01" + u64(amount) + bytes([decimals]) + u64(fee)
    return call(SPL_2022, data, source, mint, to, by, signers=(by,))


def withdraw_fees(mint: Pubkey, to: Pubkey, by: Pubkey, source: Pubkey) -> Instruction:
    return call(SPL_2022, b"\x1a\x03\x01", mint, to, by, source, signers=(by,))


def burn(account: Pubkey, mint: Pubkey, by: Pubkey, amount: int) -> Instruction:
    return call(SPL, b"\x08" + u64(amount), account, mint, by, signers=(by,))


def close(account: Pubkey, to: Pubkey, by: Pubkey) -> Instruction:
    return call(SPL, b"\x09", account, to, by, signers=(by,))


def sync(account: Pubkey) -> Instruction:
    return call(SPL, b"\x11", account)


def hand(account: Pubkey, by: Pubkey, to: Pubkey) -> Instruction:
    return call(SPL, b"\x06\x02\x01" + bytes(to), account, by, signers=(by,))
