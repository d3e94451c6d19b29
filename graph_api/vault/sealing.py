"""Secrets at rest: sealed with keys that the database does not hold.

The first key seals, every key opens, so that a new one can take over: put it in front, seal anew,
take the old one away. What is sealed says what it belongs to, and opens for that alone. The keys
are those of Fernet: 32 random bytes as URL-safe base64.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from graph_api.domain.errors import BadInput, GraphApiError


class Unsealable(GraphApiError):
    """A secret that no known key opens."""

    def __init__(self) -> None:
        super().__init__(
            "A sealed secret cannot be opened: DESKGRAPH_VAULT__KEYS, or vault.key in the data "
            "folder, has lost the key that sealed it. Set the secret anew."
        )


class Seal:
    """Closes and opens secrets."""

    def __init__(self, keys: MultiFernet) -> None:
        self._keys = keys

    @classmethod
    def of(cls, keys: str) -> Self:
        """With ``keys``, separated by commas, the newest first. Raises: BadInput."""
        try:
            return cls(MultiFernet([Fernet(key.strip()) for key in keys.split(",")]))
        except ValueError:
            # Without its cause, which might repeat a key.
            raise BadInput(
                "A key of the vault is 32 random bytes as URL-safe base64; `deskgraph notices "
                "new-key` makes one."
            ) from None

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """With the key of a file, which is made for its owner alone when absent.

        Raises: BadInput.
        """
        try:
            if not path.exists():
                _make(path)
            return cls.of(path.read_text())
        except OSError as error:
            raise BadInput(f"The key file {path} cannot be used: {error.strerror}.") from error

    def close(self, secret: str, *, belongs_to: str) -> str:
        """``secret``, sealed."""
        return self._keys.encrypt(f"{belongs_to}\n{secret}".encode()).decode()

    def open(self, sealed: str, *, belongs_to: str) -> str:
        """What was sealed. Raises: Unsealable."""
        try:
            owner, _, secret = self._keys.decrypt(sealed).decode().partition("\n")
        except InvalidToken:
            raise Unsealable from None
        if owner != belongs_to:
            raise Unsealable
        return secret

    def renewed(self, sealed: str) -> str:
        """The same, sealed with the newest key. Raises: Unsealable."""
        try:
            return self._keys.rotate(sealed).decode()
        except InvalidToken:
            raise Unsealable from None


def new_key() -> str:
    """A key of the vault."""
    return Fernet.generate_key().decode()


def seal_of(keys: str | None, *, home: Path, shared: bool) -> Seal | None:
    """The seal of an installation: with ``keys``, else with a key file in its folder ``home``.

    A vault that is ``shared`` by machines has no such file: without keys it seals nothing.
    """
    if keys is not None:
        return Seal.of(keys)
    return None if shared else Seal.of_file(home / "vault.key")


def _make(path: Path) -> None:
    """Many may do so at once: the first one's key holds, and nobody reads half of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=".vault.key.", dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(new_key())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
