"""What the document tells receivers to do with a signature works, in both languages."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from graph_api.domain.signing import headers, new_secret
from scripts.tree import ROOT
from tests.house.test_documents import blocks
from tests.real.node_packages import packages, run

SECRET, OTHER = new_secret(b"1" * 32), new_secret(b"2" * 32)
BODY = '{"type":"alert.raised","title":"Größe"}'.encode()


def shown(language: str) -> str:
    (block,) = [text for name, text in blocks(language) if name == "docs/alerts.md"]
    return block


def calls() -> list[tuple[dict[str, str], bytes, bool]]:
    """Calls, and whether they are genuine."""
    now = datetime.fromtimestamp(time.time(), UTC)
    right = headers("ntc_1", BODY, at=now, secrets=[SECRET])
    both = headers("ntc_1", BODY, at=now, secrets=[OTHER, SECRET])
    old = headers("ntc_1", BODY, at=now - timedelta(minutes=6), secrets=[SECRET])
    return [
        (right, BODY, True),
        (both, BODY, True),
        (old, BODY, False),
        (headers("ntc_1", BODY, at=now, secrets=[OTHER]), BODY, False),
        (right, BODY + b" ", False),
        (right | {"webhook-id": "ntc_2"}, BODY, False),
        (right | {"webhook-signature": "v1a,AAAA v1,AAAA"}, BODY, False),
    ]


@pytest.mark.parametrize("number", range(7))
def test_python_tells_genuine_calls(number: int) -> None:
    house: dict[str, Any] = {}
    exec(shown("python"), house)
    told, body, genuine = calls()[number]

    assert house["verify"](SECRET, told, body) is genuine


def test_typescript_tells_genuine_calls(tmp_path: Path) -> None:
    installed = packages(ROOT / "tests" / "live_clients") / "node_modules" / "typescript"
    given = [[told, body.decode()] for told, body, _ in calls()]
    (tmp_path / "verify.ts").write_text(shown("ts"))
    (tmp_path / "ask.mjs").write_text(
        f"""import {{ readFileSync, writeFileSync }} from "node:fs";
import ts from {json.dumps(str(installed / "lib" / "typescript.js"))};
const compilerOptions = {{ module: "esnext", target: "es2022" }};
const made = ts.transpileModule(readFileSync("verify.ts", "utf8"), {{ compilerOptions }});
writeFileSync("verify.mjs", made.outputText);
const {{ verify }} = await import("./verify.mjs");
const given = {json.dumps(given)};
const answers = given.map(([h, b]) => verify({json.dumps(SECRET)}, h, Buffer.from(b)));
console.log(JSON.stringify(answers));
"""
    )
    said = run(["node", "ask.mjs"], cwd=tmp_path)

    assert json.loads(said) == [genuine for *_, genuine in calls()]
