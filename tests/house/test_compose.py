"""The compose file and the image use names that our settings know, and hold no password."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from graph_api.settings import Settings
from scripts.tree import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def settings_name(variable: str) -> str | None:
    """The knob that an environment variable sets, null when there is none."""
    fields: Any = Settings.model_fields
    path = variable.removeprefix("DESKGRAPH_").lower().split("__")
    for part in path:
        if part not in fields:
            return None
        kind = fields[part].annotation
        is_section = isinstance(kind, type) and issubclass(kind, BaseModel)
        fields = kind.model_fields if is_section else {}
    return ".".join(path)


def image_variables() -> list[str]:
    text = (ROOT / "Dockerfile").read_text()
    return re.findall(r"^(?:ENV)? +(DESKGRAPH_\w+)=", text, re.MULTILINE)


def test_every_variable_is_a_setting_of_ours() -> None:
    given = {
        name
        for service in SERVICES.values()
        for name in service.get("environment", {})
        if name.startswith("DESKGRAPH_")
    }
    given |= set(image_variables())
    assert len(given) >= 8
    assert [name for name in sorted(given) if settings_name(name) is None] == []


def test_passwords_are_asked_for_and_never_written_down() -> None:
    values = [
        str(value)
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if "PASSWORD" in name or "AUTH" in name
    ]
    assert len(values) >= 3
    assert all(re.search(r"\$\{\w+:\?[^}]+\}$", value) for value in values)


def test_what_a_service_waits_for_exists_and_can_tell_that_it_is_ready() -> None:
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            healthy = wait["condition"] != "service_healthy" or "healthcheck" in SERVICES[name]
            assert healthy, f"{name} has no health check"


def test_images_name_their_version_and_ports_stay_on_loopback() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    assert all(re.search(r":\d", image) for image in images)
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_docker_compose_accepts_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or _run(docker, "compose", "version").returncode != 0:
        pytest.skip("no `docker compose` on this machine; install the Compose plug-in to check")
    done = _run(docker, "compose", "--file", "docker-compose.yml", "config", "--quiet")
    assert done.returncode == 0, done.stderr


def _run(docker: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "NEO4J_PASSWORD": "x",
        "POSTGRES_PASSWORD": "x",
    }
    return subprocess.run(
        [docker, *arguments], cwd=ROOT, env=given, check=False, capture_output=True, text=True
    )
