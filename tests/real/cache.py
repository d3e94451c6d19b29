"""A cache for what tests fetch or build once; safe for several test runs at a time."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

COMPLETE = "complete"


def cache_folder() -> Path:
    """``deskgraph`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "deskgraph"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """The folder of this name; ``build`` fills it where it is missing or was never finished."""
    folder = cache_folder() / name
    if not (folder / COMPLETE).exists():
        with _lock(folder.with_name(f".{name}.lock")):
            if not (folder / COMPLETE).exists():
                _build(folder, build)
    return folder


def _build(folder: Path, build: Callable[[Path], None]) -> None:
    """Fill a draft and give it the name at once, so that nobody sees half a folder."""
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        build(draft)
        (draft / COMPLETE).touch()
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _lock(file: Path) -> Iterator[None]:
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
