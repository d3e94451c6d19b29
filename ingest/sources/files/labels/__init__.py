"""Label sources: who says what of which address. The table of their formats is ``FORMATS``."""

from typing import Final

from ingest.sources.files.format import FileFormat
from ingest.sources.files.labels import (
    actorpack,
    desk_registry,
    explorer_dump,
    forta_lists,
    label_table,
    ofac_list,
    tagpack,
    token_list,
    token_table,
)

FORMATS: Final[tuple[FileFormat, ...]] = (
    token_list.FORMAT,
    desk_registry.FORMAT,
    actorpack.FORMAT,
    token_table.FORMAT,
    explorer_dump.FORMAT,
    tagpack.FORMAT,
    ofac_list.FORMAT,
    forta_lists.PHISHING,
    forta_lists.CONTRACTS,
    label_table.FORMAT,
)
