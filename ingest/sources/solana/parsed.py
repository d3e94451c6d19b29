"""Instructions as a node has parsed them (``jsonParsed``): a type and named fields.

Whatever a node cannot parse it sends as the chain keeps it; see ``instructions``.
"""

from collections.abc import Callable
from typing import Any, Final

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
from ingest.sources.solana.programs import STAKE, SYSTEM, TOKEN, TOKEN_2022, VOTE

Info = dict[str, Any]


def effects(program: str, kind: str, info: Info) -> tuple[Effect, ...]:
    """What the instruction does to balances. Raises: BadInput when a field is missing."""
    reader = _READERS.get(program, {}).get(kind)
    if reader is None or (kind == "setAuthority" and info.get("authorityType") != "accountOwner"):
        return ()
    try:
        return (reader(info),)
    except (KeyError, TypeError, ValueError):
        raise BadInput(f"The parsed {kind} of {program} has not the fields that it must.") from None


def _paid(source: str, destination: str) -> Callable[[Info], Effect]:
    return lambda i: Paid(i[source], i[destination], int(i["lamports"]))


def _amount(info: Info) -> int:
    return int(info["amount"] if "amount" in info else info["tokenAmount"]["amount"])


def _sent(info: Info) -> Effect:
    return Sent(info["source"], info["destination"], _amount(info), info.get("mint"))


def _minted(info: Info) -> Effect:
    return Minted(info["mint"], info["account"], _amount(info))


def _burnt(info: Info) -> Effect:
    return Burnt(info["account"], info["mint"], _amount(info))


def _opened(info: Info) -> Effect:
    return Opened(info["account"], info["mint"], info["owner"])


def _founded(info: Info) -> Effect:
    return Founded(info["mint"], int(info["decimals"]))


def _prefunded(info: Info) -> Effect:
    account = info["newAccount"]
    return Paid(str(info.get("source", account)), account, info.get("lamports", 0))


_TOKEN: Final[dict[str, Callable[[Info], Effect]]] = {
    "initializeMint": _founded,
    "initializeMint2": _founded,
    "initializeAccount": _opened,
    "initializeAccount2": _opened,
    "initializeAccount3": _opened,
    "transfer": _sent,
    "transferChecked": _sent,
    "transferCheckedWithFee": _sent,
    "mintTo": _minted,
    "mintToChecked": _minted,
    "burn": _burnt,
    "burnChecked": _burnt,
    "setAuthority": lambda i: Handed(i["account"], i["newAuthority"]),
    "closeAccount": lambda i: Closed(i["account"], i["destination"]),
    "syncNative": lambda i: Synced(i["account"]),
}
_READERS: Final[dict[str, dict[str, Callable[[Info], Effect]]]] = {
    SYSTEM: {
        "transfer": _paid("source", "destination"),
        "transferWithSeed": _paid("source", "destination"),
        "createAccount": _paid("source", "newAccount"),
        "createAccountWithSeed": _paid("source", "newAccount"),
        "createAccountAllowPrefund": _prefunded,
        "withdrawFromNonce": _paid("nonceAccount", "destination"),
    },
    STAKE: {
        "split": _paid("stakeAccount", "newSplitAccount"),
        "withdraw": _paid("stakeAccount", "destination"),
        "merge": lambda i: Closed(i["source"], i["destination"]),
        "moveStake": _paid("source", "destination"),
        "moveLamports": _paid("source", "destination"),
    },
    VOTE: {"withdraw": _paid("voteAccount", "destination")},
    TOKEN: _TOKEN,
    TOKEN_2022: _TOKEN,
}
