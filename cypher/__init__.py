"""One statement per file, named by what it answers; this loader finds it.

A statement that an engine needs in words of its own stands in ``cypher/<engine>/`` under the same
name and is preferred there. The first comment lines of a file tell what it answers.
"""

from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent


@cache
def statement(name: str, engine: str) -> str:
    """The text of ``name`` (``wallets/by_ids``) for ``engine``; LookupError where there is none."""
    for path in (ROOT / engine / f"{name}.cypher", ROOT / f"{name}.cypher"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise LookupError(f"No statement {name!r} for {engine}.")
