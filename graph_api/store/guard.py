"""Tells statements that write from those that only read, before an engine sees them.

One engine takes writes in read sessions too, so the server's word is not enough. Comments, quoted
names and text literals are left out of account; what remains is looked through for the clauses
and procedures that change anything.
"""

import re
from typing import Final

_SILENT: Final = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:``|[^`])*`""",
    re.DOTALL,
)
_CHANGES: Final = re.compile(
    r"\b(CREATE|MERGE|SET|DELETE|DETACH|REMOVE|DROP|FOREACH|ALTER|GRANT|REVOKE|DENY|RENAME|START"
    r"|STOP|TERMINATE|LOAD\s+CSV|INSERT|USE)\b",
    re.IGNORECASE,
)
# A subquery's CALL is followed by a bracket; any other by a procedure's name, which must be plain.
_CALL: Final = re.compile(r"\bCALL\b\s*(?![\s({])([\w.]*)", re.IGNORECASE)
_ESCAPE: Final = re.compile(r"\\u+([0-9a-fA-F]{4})")
_READING_PROCEDURES: Final = re.compile(
    r"(db\.(labels|relationshipTypes|propertyKeys|schema\..+|indexes|constraints"
    r"|index\.fulltext\.query\w+|info|ping)|dbms\.components|algo\..+|gds\..+\.stream\w*"
    r"|apoc\.(path|meta|coll|map|text|date|algo|help)\..+)",
    re.IGNORECASE,
)


def writes(text: str) -> bool:
    """Whether ``text`` may change the graph; in doubt it may."""
    # Neo4j reads \u0053ET as SET, and \u0027 as the end of a text.
    return _changes(text) or _changes(_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text))


def _changes(text: str) -> bool:
    code = _SILENT.sub(lambda found: " " if found["comment"] else " '' ", text)
    if _CHANGES.search(code):
        return True
    return any(not _READING_PROCEDURES.fullmatch(name) for name in _CALL.findall(code))
