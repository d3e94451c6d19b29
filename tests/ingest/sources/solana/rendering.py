"""Instructions as nodes parse them (``jsonParsed``), from accounts and bytes."""

from typing import Any

import base58

SYSTEM = "11111111111111111111111111111111"
STAKE = "Stake11111111111111111111111111111111111111"
VOTE = "Vote111111111111111111111111111111111111111"
TOKENS = (
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb",
)
MEMO = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"


def parsed(program: str, accounts: list[str], data: bytes) -> Any:
    """Type and fields; None where nodes parse nothing. A memo is parsed to bare text."""
    if program == SYSTEM:
        return _system(accounts, data)
    if program == STAKE:
        return _stake(accounts, data)
    if program in TOKENS:
        return _token(accounts, data)
    if program == MEMO:
        return data.decode()
    return None


def _number(data: bytes, at: int, size: int = 8) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _key(data: bytes, at: int) -> str:
    return base58.b58encode(data[at : at + 32]).decode()


def _said(kind: str, **info: Any) -> dict[str, Any]:
    return {"type": kind, "info": info}


def _system(a: list[str], data: bytes) -> Any:
    match _number(data, 0, 4):
        case 0:
            return _said(
                "createAccount",
                source=a[0],
                newAccount=a[1],
                lamports=_number(data, 4),
                space=_number(data, 12),
                owner=_key(data, 20),
            )
        case 2:
            return _said("transfer", source=a[0], destination=a[1], lamports=_number(data, 4))
        case 3:
            seed = _number(data, 36)
            return _said(
                "createAccountWithSeed",
                source=a[0],
                newAccount=a[1],
                base=_key(data, 4),
                seed=data[44 : 44 + seed].decode(),
                lamports=_number(data, 44 + seed),
            )
        case 5:
            return _said(
                "withdrawFromNonce",
                nonceAccount=a[0],
                destination=a[1],
                lamports=_number(data, 4),
            )
        case 11:
            return _said(
                "transferWithSeed",
                source=a[0],
                sourceBase=a[1],
                destination=a[2],
                lamports=_number(data, 4),
            )
        case 13:
            if not _number(data, 4):
                return _said("createAccountAllowPrefund", newAccount=a[0])
            return _said(
                "createAccountAllowPrefund",
                newAccount=a[0],
                source=a[1],
                lamports=_number(data, 4),
            )
        case 1:
            return _said("assign", account=a[0], owner=_key(data, 4))
        case 8:
            return _said("allocate", account=a[0], space=_number(data, 4))
    return _said("other")


def _stake(a: list[str], data: bytes) -> Any:
    lamports = _number(data, 4)
    match _number(data, 0, 4):
        case 3:
            return _said("split", stakeAccount=a[0], newSplitAccount=a[1], lamports=lamports)
        case 4:
            return _said("withdraw", stakeAccount=a[0], destination=a[1], lamports=lamports)
        case 7:
            return _said("merge", destination=a[0], source=a[1])
    return _said("initialize", stakeAccount=a[0])


def _token(a: list[str], data: bytes) -> Any:
    def ui(at: int) -> dict[str, Any]:
        return {"amount": str(_number(data, at)), "decimals": data[at + 8]}

    amount = str(_number(data, 1))
    match data[0]:
        case 0 | 20:
            kind = "initializeMint" if data[0] == 0 else "initializeMint2"
            return _said(kind, mint=a[0], decimals=data[1])
        case 1:
            return _said("initializeAccount", account=a[0], mint=a[1], owner=a[2])
        case 3:
            return _said("transfer", source=a[0], destination=a[1], amount=amount)
        case 6:
            kinds = {0: "mintTokens", 1: "freezeAccount", 2: "accountOwner", 3: "closeAccount"}
            return _said(
                "setAuthority",
                account=a[0],
                authorityType=kinds[data[1]],
                newAuthority=_key(data, 3) if data[2] else None,
            )
        case 7:
            return _said("mintTo", mint=a[0], account=a[1], amount=amount)
        case 8:
            return _said("burn", account=a[0], mint=a[1], amount=amount)
        case 9:
            return _said("closeAccount", account=a[0], destination=a[1], owner=a[2])
        case 12:
            return _said(
                "transferChecked", source=a[0], mint=a[1], destination=a[2], tokenAmount=ui(1)
            )
        case 14:
            return _said("mintToChecked", mint=a[0], account=a[1], tokenAmount=ui(1))
        case 15:
            return _said("burnChecked", account=a[0], mint=a[1], tokenAmount=ui(1))
        case 16 | 18:
            kind = "initializeAccount2" if data[0] == 16 else "initializeAccount3"
            return _said(kind, account=a[0], mint=a[1], owner=_key(data, 1))
        case 17:
            return _said("syncNative", account=a[0])
        case 26 if data[1] == 1:
            return _said(
                "transferCheckedWithFee",
                source=a[0],
                mint=a[1],
                destination=a[2],
                tokenAmount=ui(2),
                feeAmount={"amount": str(_number(data, 11))},
            )
        case 255:
            return None
    return _said("other")
