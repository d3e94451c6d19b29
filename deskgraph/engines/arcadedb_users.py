"""The logins of the embedded graph, written into the engine's own security files."""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Any

import msgspec

from deskgraph.engines.errors import EngineError
from deskgraph.engines.folder import PRIVATE_FOLDER, write_private

ITERATIONS = 65_536
ALGORITHM = "PBKDF2WithHmacSHA256"
READERS = "readers"

EVERY_RECORD = ["createRecord", "readRecord", "updateRecord", "deleteRecord"]
EVERY_DATABASE = ["updateSecurity", "updateSchema", "updateDatabaseSettings"]


def write_users(config: Path, *, owner: tuple[str, str], analyst: tuple[str, str]) -> None:
    """Make sure that both logins (name, password) exist: one that may do all, one that reads.

    Logins that somebody added by hand stay. The engine must not be running.
    """
    config.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    _write_groups(config / "server-groups.json")
    file = config / "server-users.jsonl"
    users = _users(file)
    for (name, password), groups in ((owner, ["admin"]), (analyst, [READERS])):
        kept = users.get(name, {}).get("password", "")
        digest = kept if _matches(kept, password) else _digest(password, _salt())
        users[name] = {"name": name, "databases": {"*": groups}, "password": digest}
    lines = (msgspec.json.encode(user).decode() for user in users.values())
    write_private(file, "".join(f"{line}\n" for line in lines))


def _users(file: Path) -> dict[str, dict[str, Any]]:
    lines = file.read_text().splitlines() if file.exists() else []
    users = (_decode(line, file) for line in lines if line.strip())
    return {user["name"]: user for user in users}


def _decode(text: str, file: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise EngineError(
            f"{file} is damaged ({error}); remove it, and the logins are written anew."
        ) from error


def _write_groups(file: Path) -> None:
    """Every group that is there stays as it is; the ones that we need are added."""
    known = _decode(file.read_text(), file) if file.exists() else {}
    groups = known.setdefault("databases", {}).setdefault("*", {}).setdefault("groups", {})
    groups.setdefault("admin", _group(EVERY_DATABASE, EVERY_RECORD))
    groups.setdefault("*", _group([], []))
    groups[READERS] = _group([], ["readRecord"])
    known.setdefault("version", 2)
    write_private(file, msgspec.json.encode(known).decode())


def _group(database: list[str], records: list[str]) -> dict[str, Any]:
    types = {"*": {"access": records}}
    return {"resultSetLimit": -1, "readTimeout": -1, "access": database, "types": types}


def _salt() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _digest(password: str, salt: str, *, iterations: int = ITERATIONS) -> str:
    """The engine's form: algorithm, rounds, salt and key, joined by dollar signs."""
    # The engine salts with the text of the salt, not with the bytes that it stands for.
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    return f"{ALGORITHM}${iterations}${salt}${base64.b64encode(key).decode()}"


def _matches(digest: str, password: str) -> bool:
    algorithm, _, rest = digest.partition("$")
    rounds, _, rest = rest.partition("$")
    salt = rest.partition("$")[0]
    if algorithm != ALGORITHM or not rounds.isdigit():
        return False
    same = _digest(password, salt, iterations=int(rounds))
    return hmac.compare_digest(same, digest)
