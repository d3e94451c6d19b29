"""What to do where a real server cannot be had: say so, and in CI fail."""

import os
from typing import NoReturn

import pytest


class Unavailable(Exception):
    """Why a real server cannot be started here, and how to have it."""


def skip(reason: Unavailable) -> NoReturn:
    """Skip what needs the server; continuous integration must have it."""
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(f"{reason} It may not be skipped in CI.", pytrace=False)
    pytest.skip(str(reason))
