"""What can go wrong with an engine, each as one sentence that says how to mend it."""

from dataclasses import dataclass

from graph_api.domain.errors import ErrorCode, GraphApiError


class EngineError(GraphApiError):
    """An engine of ours could not be started, or did not stay up."""

    code = ErrorCode.UPSTREAM_UNAVAILABLE


class AlreadyRunning(EngineError):
    """Another process of ours holds this data folder."""

    def __init__(self, name: str, *, home: str, pid: int | None, where: str | None) -> None:
        holder = f"pid {pid}" if pid else "pid unknown"
        place = f", {where}" if where else ""
        super().__init__(
            f"{name} in {home} is already running ({holder}{place}); "
            "use that one, stop it, or set DESKGRAPH_HOME to another folder."
        )
        self.pid = pid


class PortInUse(EngineError):
    """The configured port belongs to another program."""

    def __init__(self, port: int, *, setting: str) -> None:
        super().__init__(
            f"Port {port} on 127.0.0.1 is in use by another program; "
            f"stop that one, or set {setting} to another port (0 picks a free one)."
        )
        self.port = port


@dataclass(frozen=True)
class Death:
    """The unexpected end of an engine: its exit code and the last lines that it wrote."""

    name: str
    exit_code: int
    tail: str
    again_in_s: float | None = None

    def __str__(self) -> str:
        again = "" if self.again_in_s is None else f" Starting it again in {self.again_in_s:g} s."
        words = f" Its log ends with:\n{self.tail}" if self.tail else ""
        return f"{self.name} ended unexpectedly ({_manner(self.exit_code)}).{again}{words}"


class EngineDied(EngineError):
    """An engine ended without being asked to."""

    def __init__(self, death: Death) -> None:
        super().__init__(str(death))
        self.death = death


class NotReady(EngineError):
    """An engine runs but does not answer in time."""

    def __init__(self, name: str, *, after_s: float, tail: str) -> None:
        words = f" Its log ends with:\n{tail}" if tail else ""
        super().__init__(f"{name} did not answer within {after_s:g} s.{words}")


def _manner(exit_code: int) -> str:
    """The shell's way to write a signal is 128 plus its number."""
    return f"signal {exit_code - 128}" if exit_code > 128 else f"exit code {exit_code}"
