"""The files that git keeps, or is about to: new ones count, ignored ones do not."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def kept_files(root: Path) -> list[str]:
    """Their names relative to ``root``, sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(name for name in listed.split("\0") if name and (root / name).is_file())
