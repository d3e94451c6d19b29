"""All audits of the GraphQL over HTTP specification pass: recommendations as well as duties."""

import json
from pathlib import Path

import pytest

from tests.real.node_packages import packages, run
from tests.server.served import served

HERE = Path(__file__).parent
AUDITS = 61


@pytest.mark.parametrize("profile", ["development", "production"])
def test_every_audit_passes(profile: str, tmp_path: Path) -> None:
    # The audits introspect; that a closed schema refuses it is tested elsewhere.
    with served(
        tmp_path / "log",
        DESKGRAPH_PROFILE=profile,
        DESKGRAPH_GRAPHQL__INTROSPECTION="true",
    ) as server:
        command = ["node", "audit.mjs", f"{server.address}/graphql", str(packages(HERE))]
        outcomes = json.loads(run(command, cwd=HERE))

    assert [outcome for outcome in outcomes if outcome["status"] != "ok"] == []
    assert len(outcomes) == AUDITS
