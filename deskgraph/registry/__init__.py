"""The registries that the wheel brings along: known desks and exchanges, and protocol contracts."""

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent

#: Files of the desk registry format, to be loaded in this order.
STARTERS: Final = (_HERE / "desks.yaml", _HERE / "protocols.yaml")
