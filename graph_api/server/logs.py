"""Log lines as JSON, one object per line, ours and the libraries' alike; prose on a terminal."""

import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, TextIO

import orjson
import structlog
from structlog.typing import Processor

QUIET = ("uvicorn.error", "strawberry.execution")  # they announce what we log in our own words

log = structlog.get_logger("graph_api.server")


def configure_logging(
    stream: TextIO | None = None, *, level: int = logging.INFO, worker: int | None = None
) -> None:
    """Send every log line to ``stream`` (standard error by default), with the worker's number."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if worker is not None:
        shared.append(_Numbered(worker))
    renderers: list[Processor]
    if stream.isatty():
        renderers = [structlog.dev.ConsoleRenderer()]
    else:
        renderers = [structlog.processors.format_exc_info, _json]
    processors = [*shared, *renderers]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    if renderers[-1] is _json and level <= logging.INFO:
        known: dict[str, object] = {} if worker is None else {"worker": worker}
        _Short.way = _Short(stream, processors=processors, known=known)


def log_requests(lines: Sequence[dict[str, object]]) -> None:
    """Log the lines that requests leave: JSON by a short way, anything else as usual."""
    short = _Short.way
    # Whoever has changed the processors meanwhile, as tests do, gets the lines from them.
    if short is not None and short.serves(structlog.get_config()["processors"]):
        short.write(lines)
        return
    for fields in lines:
        log.info("request", **fields)


class _Short:
    """What the processors would make of requests' lines, at a third of their time."""

    way: ClassVar["_Short | None"] = None

    def __init__(
        self, stream: TextIO, *, processors: Sequence[Processor], known: dict[str, object]
    ) -> None:
        self._stream, self._processors = stream, processors
        self._known = {"event": "request", "level": "info", **known}

    def serves(self, processors: Sequence[Processor]) -> bool:
        return processors is self._processors and processors[-1] is _json

    def write(self, lines: Sequence[dict[str, object]]) -> None:
        more = {**self._known, "timestamp": datetime.now(UTC)}
        self._stream.write("".join([_line(fields | more) for fields in lines]))
        self._stream.flush()


def _line(fields: dict[str, object]) -> str:
    try:
        return orjson.dumps(fields, default=repr, option=_LINE).decode()
    except TypeError:  # half a surrogate pair
        return json.dumps(fields, default=repr) + "\n"


_LINE = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE


class _Numbered:
    def __init__(self, worker: int) -> None:
        self._worker = worker

    def __call__(
        self, _logger: Any, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["worker"] = self._worker
        return event


def _json(_logger: Any, _method: str, event: structlog.typing.EventDict) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except TypeError:  # half a surrogate pair: UTF-8 cannot hold it, an escape can
        return json.dumps(event, default=repr)
