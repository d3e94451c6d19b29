"""The private folder of one engine: its data, secrets, lock, and the note of who runs it."""

import errno
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
    """The right to run an engine on a folder.

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


class EngineFolder:
    """One engine's folder under the home; only the user who runs it may look inside."""

    def __init__(self, home: Path, engine: str) -> None:
        self.home = home.absolute()
        self.path = self.home / engine
        self.log = self.path / "log" / f"{engine}.log"
        self._note = self.path / "running.json"
        self._lock = self.path / "lock"

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
        """Take the lock; None while another holds it."""
        fd = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
                return None
            raise
        return FolderLock(fd)

    def is_locked(self) -> bool:
        """Whether an engine, or who is about to start it, holds the folder."""
        if not self._lock.exists():
            return False
        lock = self.lock()
        if lock:
            lock.release()
        return lock is None

    def note(self) -> Note | None:
        """What the holder of the lock wrote about itself; it may be out of date."""
        try:
            return msgspec.json.decode(self._note.read_bytes(), type=Note)
        except (FileNotFoundError, msgspec.DecodeError):
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
