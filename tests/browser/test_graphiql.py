"""GraphiQL in a real Chromium: it loads, runs queries, and talks to nobody but its own server."""

import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.real import available
from tests.real.node_packages import packages, run
from tests.server.served import served
from web.graphiql import build

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def chromium() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        available.skip(
            available.Unavailable("No Chromium on PATH; on Debian: apt-get install chromium.")
        )
    return found


def test_a_visitor_uses_graphiql(chromium: str, tmp_path: Path) -> None:
    build.main()
    picture = tmp_path / "graphiql.png"
    with served(tmp_path / "log") as server:
        script = ["node", "graphiql.mjs", server.address, chromium]
        seen = json.loads(run([*script, str(packages(HERE)), str(picture)], cwd=HERE))

    assert seen.pop("problems") == [], f"a picture is in {picture}"
    assert seen.pop("hosts") == [urlsplit(server.address).netloc]
    answers = {
        name: json.loads(seen.pop(name))["data"]
        for name in ("example", "typed", "streamed", "linked")
    }
    assert answers == {
        "example": {"hello": "Hello, </script>!"},
        "typed": {"hello": "Hello, typed by hand!"},
        "streamed": {"steps": "the last"},
        "linked": {"hello": "Hello, linked!"},
    }
    assert seen == {"tabs": ["Greeting", "Things"], "documentation": True, "explorer": True}
