"""The private folder of one engine: its data, secrets, lock, and the note of who runs it."""

import fcntl
import os
import secrets
from pathlib import Path

import msgspec

from deskgraph.engines.errors import EngineError

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


class Note(msgspec.Struct, frozen=True):
    """Who runs an engine and where it answers, for other commands of the same user."""

    pid: int
    supervisor: int
    url: str
    port: int | None
    ready: bool

    def answering(self) -> "Note":
        """The same run, now that it answers."""
        return msgspec.structs.replace(self, ready=True)


class FolderLock:
    """A right on an engine's folder: to run its engine, or to use one that runs.

    The kernel takes it back when the last process that inherited it is gone. So it is never
    stale, and an engine that outlives its starter keeps its data to itself.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def release(self) -> None:
        """Give our share of it back; a second time changes nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def is_sole(self) -> bool:
        """Turn a share into the whole, if nobody else has one; else ours is given back."""
        return _flock(self.fd, fcntl.LOCK_EX)


class EngineFolder:
    """One engine's folder under the home; only the user who runs it may look inside."""

    def __init__(self, home: Path, engine: str) -> None:
        self.home = home.absolute()
        self.path = self.home / engine
        self.log = self.path / "log" / f"{engine}.log"
        self._note = self.path / "running.json"
        self._lock = self.path / "lock"
        self._users = self.path / "users"

    def prepare(self) -> None:
        """Make the folder, or tighten what is there."""
        try:
            self.home.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            self.path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            self.path.chmod(PRIVATE_FOLDER)
            self.log.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        except OSError as error:
            raise EngineError(
                f"The data folder {self.path} cannot be used: {error.strerror}."
            ) from error

    def password(self, user: str) -> str:
        """The password of this login, drawn once and kept in a file that only we can read."""
        file = self.password_file(user)
        if not file.exists():
            write_private(file, secrets.token_urlsafe(32))
        file.chmod(PRIVATE_FILE)
        return file.read_text()

    def password_file(self, user: str) -> Path:
        """Where the password of this login is kept, once it was drawn."""
        return self.path / f"{user}.password"

    def lock(self) -> FolderLock | None:
        """Take the right to run the engine; None while another holds it."""
        return _open_locked(self._lock, fcntl.LOCK_EX)

    def is_locked(self) -> bool:
        """Whether an engine, or who is about to start it, holds the folder."""
        if not os.path.exists(self._lock):
            return False
        lock = self.lock()
        if lock:
            lock.release()
        return lock is None

    def use(self) -> FolderLock | None:
        """A share in the engine's use; None while the last of its users stops it."""
        return _open_locked(self._users, fcntl.LOCK_SH)

    def note(self) -> Note | None:
        """What the holder of the lock wrote about itself; it may be out of date."""
        try:
            return msgspec.json.decode(self._note.read_bytes(), type=Note)
        except (OSError, msgspec.DecodeError):
            return None

    def write_note(self, note: Note) -> None:
        """Tell other commands who runs the engine."""
        write_private(self._note, msgspec.json.encode(note).decode())

    def forget_note(self) -> None:
        """The engine was stopped."""
        self._note.unlink(missing_ok=True)

    def running(self) -> Note | None:
        """The note of an engine that runs and answers right now."""
        note = self.note()
        runs = note and note.ready and is_alive(note.pid) and self.is_locked()
        return note if runs else None


def _open_locked(file: Path, kind: int) -> FolderLock | None:
    fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    if _flock(fd, kind):
        return FolderLock(fd)
    os.close(fd)
    return None


def _flock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_private(path: Path, text: str) -> None:
    """Write ``text`` so that a reader sees the old or the new file, and only we are readers."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(fd, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(fd)
    draft.replace(path)


def is_alive(pid: int) -> bool:
    """Whether a process of this id exists, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
