"""What the settings say about notices, and what stops a start."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from graph_api.domain.errors import BadInput
from graph_api.domain.targets import reach_of
from graph_api.server.main import outlets_of
from graph_api.settings import Settings
from graph_api.vault.sealing import new_key
from ingest.jobs.noticing import notice_work

PREFIX = "DESKGRAPH_NOTICES__"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DESKGRAPH_HOME", str(tmp_path))
    return monkeypatch


def test_without_any_the_public_internet_is_reached_with_a_key_of_its_own(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    work, outlets = notice_work(Settings()), outlets_of(Settings())

    assert (work.reach, work.mail_server, outlets.mail) == (reach_of([]), None, False)
    assert work.seal is not None
    assert outlets.seal is not None
    sealed = outlets.seal.close("word", belongs_to="one")
    assert work.seal.open(sealed, belongs_to="one") == "word"
    assert [path.name for path in tmp_path.iterdir()] == ["vault.key"]


def test_what_is_said_is_done(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("DESKGRAPH_VAULT__KEYS", new_key())
    environment.setenv("DESKGRAPH_VAULT__URL", "postgresql://db.example/vault")
    environment.setenv(f"{PREFIX}PRIVATE_NETWORKS", '["10.1.0.0/16"]')
    environment.setenv(f"{PREFIX}SMTP_URL", "smtps://mail.example")
    environment.setenv(f"{PREFIX}MAIL_FROM", "alerts@desk.example")
    environment.setenv(f"{PREFIX}MAIL_DOMAINS", '["Desk.example"]')
    environment.setenv(f"{PREFIX}PATIENCE_DAYS", "2")

    work, outlets = notice_work(Settings()), outlets_of(Settings())

    assert work.reach == outlets.reach == reach_of(["10.1.0.0/16"])
    assert work.mail_server is not None
    assert (work.mail_server.host, work.mail_server.sender) == (
        "mail.example",
        "alerts@desk.example",
    )
    assert (work.patience, outlets.mail_domains) == (timedelta(days=2), ("desk.example",))
    assert work.seal is not None
    assert not [*tmp_path.iterdir()]


def test_a_shared_vault_without_keys_seals_nothing(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DESKGRAPH_VAULT__URL", "postgresql://db.example/vault")
    environment.setenv("DESKGRAPH_VAULT__KEYS", "")

    assert outlets_of(Settings()).seal is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PRIVATE_NETWORKS", '["10.1.2.3/16"]'),
        ("SMTP_URL", "smtps://mail.example"),
        ("PATIENCE_DAYS", "0"),
    ],
)
def test_what_cannot_be_stops_the_start(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(PREFIX + name, value)

    with pytest.raises(ValidationError):
        Settings()


def test_a_mail_server_that_cannot_be_read_stops_the_start(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv(f"{PREFIX}SMTP_URL", "mail.example")
    environment.setenv(f"{PREFIX}MAIL_FROM", "alerts@desk.example")

    with pytest.raises(BadInput, match="smtps://"):
        notice_work(Settings())
