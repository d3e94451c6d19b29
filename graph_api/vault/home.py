"""Where the vault of an installation is that names no other: this loads no database."""

from pathlib import Path
from urllib.parse import quote


def default_url(home: Path) -> str:
    """A file in its data folder."""
    path = str((home / "vault.db").absolute())
    return f"sqlite:///{quote(path, safe=' +/')}"
