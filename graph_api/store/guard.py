"""Tells statements that write from those that only read, before an engine sees them.

One engine takes writes in read sessions too, so the server's word is not enough. Comments, quoted
names and text literals are left out of account; what remains is looked through for the clauses
and procedures that change anything.
"""

import re
from typing import Final

_SILENT: Final = re.compile(
    r"""//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:``|[^`])*`""", re.DOTALL
)
_CHANGES: Final = re.compile(
    r"\b(CREATE|MERGE|SET|DELETE|DETACH|REMOVE|DROP|FOREACH|ALTER|GRANT|REVOKE|DENY|RENAME|START"
    r"|STOP|TERMINATE|LOAD\s+CSV|INSERT|USE)\b",
    re.IGNORECASE,
)
_CALL: Final = re.compile(r"\bCALL\s+([A-Za-z_][\w.]*)", re.IGNORECASE)
_READING_PROCEDURES: Final = re.compile(
    r"(db\.(labels|relationshipTypes|propertyKeys|schema\..+|indexes|constraints"
    r"|index\.fulltext\.query\w+|info|ping)|dbms\.components|algo\..+|gds\..+\.stream\w*"
    r"|apoc\.(path|meta|coll|map|text|date|algo|help)\..+)",
    re.IGNORECASE,
)


def writes(text: str) -> bool:
    """Whether ``text`` may change the graph; in doubt it may."""
    code = _SILENT.sub(" ' ' ", text)
    if _CHANGES.search(code):
        return True
    return any(not _READING_PROCEDURES.fullmatch(name) for name in _CALL.findall(code))
