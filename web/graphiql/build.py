"""Build GraphiQL into the package, unless the build there is of these very sources.

``python -m web.graphiql.build`` from the root of the project. Node and npm come from PATH or from
the environment's wheel.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.node import NodeMissing, with_node

HERE = Path(__file__).parent
OUTPUT = HERE.parents[1] / "graph_api" / "server" / "static" / "graphiql"
STAMP = OUTPUT / ".sources"
SOURCES = ("package.json", "package-lock.json", "vite.config.js", "index.html", "src/*")


def main() -> None:
    """Build if anything changed; the stamp is written last, so an interrupted build is repeated."""
    wanted = digest()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    try:
        environment = with_node(os.environ)
    except NodeMissing as missing:
        sys.exit(str(missing))
    npm("ci", "--no-audit", "--no-fund", "--ignore-scripts", environment=environment)
    npm("run", "build", environment=environment)
    STAMP.write_text(wanted)


def digest() -> str:
    """What the build follows from: names and contents of its sources."""
    files = sorted(file for pattern in SOURCES for file in HERE.glob(pattern))
    parts = [part for file in files for part in (file.name.encode(), file.read_bytes())]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def npm(*arguments: str, environment: dict[str, str]) -> None:
    """Run npm here; its words go to standard error, and its failure ends the build."""
    program = shutil.which("npm", path=environment["PATH"])
    assert program is not None
    status = subprocess.run(
        [program, *arguments], cwd=HERE, env=environment, stdout=sys.stderr, check=False
    ).returncode
    if status != 0:
        sys.exit(f"`npm {' '.join(arguments)}` in {HERE} ended with {status}.")


if __name__ == "__main__":
    main()
