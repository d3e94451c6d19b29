"""One statement per file, named by what it answers; this loader finds it.

A statement that an engine needs in words of its own stands in ``cypher/<engine>/`` under the same
name and is preferred there. The first comment lines of a file tell what it answers.
"""

import re
from collections.abc import Set
from functools import cache, lru_cache
from pathlib import Path

ROOT = Path(__file__).parent


@cache
def statement(name: str, engine: str) -> str:
    """The text of ``name`` (``wallets/by_ids``) for ``engine``; LookupError where there is none."""
    for path in (ROOT / engine / f"{name}.cypher", ROOT / f"{name}.cypher"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise LookupError(f"No statement {name!r} for {engine}.")


@lru_cache(maxsize=1_000)
def narrowed(text: str, left_out: Set[str]) -> str:
    """A statement that does not return the columns ``left_out``; LookupError where one is missing.

    Columns that may be left out are plain properties and never the first of a RETURN.
    """
    for column in left_out:
        listed = rf",\s+(?:\w+\.\w+ AS )?{column}(?=\s*(?:,|}}|\n|$))"
        text, times = re.subn(listed, "", text)
        if not times:
            raise LookupError(f"The statement does not return {column!r} as a plain property.")
    return text
