"""Build the demo's warehouse into a lake of its own, and drop it: what a pull request does, beside every other one.

    python scripts/isolated_lake.py build ci_4711_1 --root build/lakes
    python scripts/isolated_lake.py drop ci_4711_1 --root build/lakes

``drop`` needs nothing installed and succeeds where there is no such lake: it runs whatever ``build`` came to.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# Also a schema's name in a catalog. The prefix keeps a slip of the pen from dropping a lake that people use.
NAME = re.compile(r"ci_[a-z0-9_]{1,60}")
PIPELINES = ("__default__", "quality")


class RefusedError(Exception):
    """The name or the folder is not one that this program makes or drops; nothing was touched."""


def lake_folder(name: str, root: Path) -> Path:
    """The folder of a lake.

    Args:
        name: Its name: ``ci_`` and then lower-case letters, digits and underscores.
        root: Folder that holds such lakes.

    Raises:
        RefusedError: When the name is not of this form, or the folder is a link that leads elsewhere.
    """
    if not NAME.fullmatch(name):
        raise RefusedError(f"expected a name like ci_4711_1 ({NAME.pattern}), found {name!r}")
    folder = root.resolve() / name
    if folder.is_symlink():
        raise RefusedError(f"{folder} is a link; expected a folder, or nothing")
    return folder


def build(folder: Path) -> int:
    """Run the pipeline and its checks; the exit code of the first command that fails, else 0.

    Args:
        folder: The lake, which must not be there yet.

    Raises:
        RefusedError: When it is.
    """
    if folder.exists():
        raise RefusedError(f"{folder} is there already; expected a lake that nobody has used. What to do: drop it")
    kedro = [sys.executable, "-m", "kedro"]
    for pipeline in PIPELINES:
        command = [*kedro, "run", "--env", "demo", "--pipelines", pipeline, "--params", f"lake={folder}"]
        status = subprocess.run(command, cwd=PROJECT, check=False).returncode
        if status != 0:
            return status
    return 0


def drop(folder: Path) -> bool:
    """Remove a lake; whether there was one."""
    if not folder.exists():
        return False
    shutil.rmtree(folder)
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 2 for a lake that is refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("build", "drop"))
    parser.add_argument("name")
    parser.add_argument("--root", type=Path, default=PROJECT / "build" / "lakes", help="folder that holds such lakes")
    given = parser.parse_args(arguments)
    try:
        folder = lake_folder(given.name, given.root)
        if given.action == "build":
            return build(folder)
        print(f"{folder}: dropped" if drop(folder) else f"{folder}: there is no such lake")
    except RefusedError as refusal:
        print(refusal, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
