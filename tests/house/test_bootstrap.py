"""The environment is made once, remade when it has to be, and never left half done as current."""

import ast
import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts import bootstrap
from scripts.tree import ROOT

# The tag of a wheel that runs everywhere.
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

# A build backend without dependencies: its editable install points at the folder that it is in.
BACKEND = f"""
import pathlib, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name, info = "house-1.0-py3-none-any.whl", "house-1.0.dist-info/"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        wheel.writestr("house.pth", str(pathlib.Path(__file__).parent))
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: house\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", {WHEEL!r})
        wheel.writestr(info + "RECORD", "")
    return name
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one module and a lock of one package; neither needs a network."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "house.py").write_text("import brick\nSTANDS = brick.WEIGHT > 0\n")
    (root / "backend.py").write_text(BACKEND)
    (root / "pyproject.toml").write_text(
        '[project]\nname = "house"\nversion = "1.0"\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    write_lock(root, weight=1)
    return root


@pytest.fixture(params=["uv", "pip"])
def installer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PATH with uv, and PATH without it."""
    folders = [Path(sys.prefix, "bin"), Path("/usr/local/bin"), Path.home() / ".local/bin"]
    uv = shutil.which("uv") or shutil.which("uv", path=":".join(map(str, folders)))
    if request.param == "pip":
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
    elif uv is None:
        pytest.skip("uv is not on this machine; the same tests run with pip")
    else:
        monkeypatch.setenv("PATH", f"{Path(uv).parent}:/usr/bin:/bin")


def write_lock(root: Path, *, weight: int, digest: str | None = None) -> None:
    """Lock a new build of ``brick``, under its true digest unless another is given."""
    wheel = root / f"brick-{weight}.0-py3-none-any.whl"
    info = f"brick-{weight}.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as packed:
        packed.writestr("brick.py", f"WEIGHT = {weight}\n")
        packed.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: brick\nVersion: {weight}.0\n"
        )
        packed.writestr(f"{info}/WHEEL", WHEEL)
        packed.writestr(f"{info}/RECORD", "")
    true = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (root / "house.lock").write_text(f"brick @ {wheel.as_uri()} --hash=sha256:{digest or true}\n")


def ensure(root: Path) -> bool:
    return bootstrap.ensure(root, root / ".venv", lock=root / "house.lock")


def ask(root: Path, expression: str) -> str:
    """What the project's own interpreter answers."""
    python = bootstrap.venv_python(root / ".venv")
    return subprocess.run(
        [python, "-c", f"import house, brick; print({expression})"],
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.mark.usefixtures("installer")
def test_the_environment_is_made_once_and_follows_the_lock(project: Path) -> None:
    assert ensure(project)
    assert ask(project, "house.STANDS, brick.WEIGHT") == "True 1"
    assert not ensure(project)

    write_lock(project, weight=2)
    assert ensure(project)
    assert ask(project, "brick.WEIGHT") == "2"


@pytest.mark.usefixtures("installer")
def test_a_package_with_another_digest_is_refused_and_leaves_no_stamp(project: Path) -> None:
    write_lock(project, weight=1, digest=hashlib.sha256(b"another").hexdigest())
    with pytest.raises(bootstrap.BootstrapError, match="This command ended with"):
        ensure(project)
    assert not (project / ".venv/.stamp").exists()

    write_lock(project, weight=1)
    assert ensure(project)
    assert ask(project, "house.STANDS") == "True"


@pytest.mark.usefixtures("installer")
def test_an_environment_whose_python_is_gone_is_made_again(project: Path) -> None:
    ensure(project)
    python = bootstrap.venv_python(project / ".venv")
    python.unlink()
    python.symlink_to(project / "gone")

    assert ensure(project)
    assert ask(project, "house.STANDS") == "True"


def test_the_stamp_follows_lock_project_and_place(project: Path, tmp_path: Path) -> None:
    def digest(venv: str = ".venv") -> str:
        return bootstrap.digest(project, tmp_path / venv, lock=project / "house.lock")

    first = digest()
    assert digest() == first
    moved = digest("elsewhere")
    (project / "pyproject.toml").write_text("# another\n")
    changed = digest()
    (project / "house.lock").write_text("# another\n")
    assert len({first, moved, changed, digest()}) == 4


def test_an_old_python_gets_one_sentence() -> None:
    script = ROOT / "scripts" / "bootstrap.py"
    ast.parse(script.read_text(), feature_version=(3, 7))
    pretend = f"import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_path({str(script)!r})"
    done = subprocess.run(
        [sys.executable, "-c", pretend], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Deskgraph needs Python 3.11 or later, and this is 3.9. ")
    assert len(done.stderr.splitlines()) == 1
