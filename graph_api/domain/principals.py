"""Who asks, and in which workspace: every private object belongs to one of each."""

from datetime import datetime
from enum import StrEnum

import msgspec


class PrincipalKind(StrEnum):
    """What stands behind a principal."""

    LOCAL = "local"
    PERSON = "person"
    SERVICE = "service"


class Principal(msgspec.Struct, frozen=True):
    """Someone acting in one workspace; ``id`` names the same someone in every workspace."""

    id: str
    workspace: str
    kind: PrincipalKind


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """What is shared by those who work together; ``principal`` made it."""

    id: str
    principal: str
    name: str
    created_at: datetime


LOCAL = Principal("local", "local", PrincipalKind.LOCAL)
"""Whoever uses this installation, as long as nobody signs in; a migrated vault knows it."""
