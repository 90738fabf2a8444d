"""Write the lock files from pyproject.toml, or check that they belong to it.

The first line of a lock file holds a digest of the requirements it was made from. The check compares digests: it needs
no network and does not fail because somebody released a new version meanwhile.

``dagster.lock`` is what Dagster needs beside ``dev.lock``: it is installed into a folder of its own (ADR 19).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = ROOT / "pyproject.toml"
LOCKS = {
    ROOT / "requirements" / "runtime.lock": (),
    ROOT / "requirements" / "dev.lock": ("--extra", "dev", "--constraint", "requirements/runtime.lock"),
    # What the container holds: the package with all it can do, and no tools.
    ROOT / "requirements" / "service.lock": (
        *("--extra", "alerts", "--extra", "app", "--extra", "lineage"),
        *("--constraint", "requirements/dev.lock"),
    ),
    ROOT / "requirements" / "dagster.lock": ("--extra", "dagster", "--constraint", "requirements/dev.lock"),
}
# The lock file that holds only what the other one lacks.
BESIDE = {ROOT / "requirements" / "dagster.lock": ROOT / "requirements" / "dev.lock"}
_PINNED = re.compile(r"^[a-z0-9][^\n]*\n(?:    [^\n]*\n?)+", re.MULTILINE)
_URL = re.compile(r"https?://|^--(extra-)?index-url", re.MULTILINE)


def digest() -> str:
    """SHA-256 over everything in pyproject.toml that decides which packages are installed."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    inputs = [project["requires-python"], project["dependencies"], project["optional-dependencies"]]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


def header() -> str:
    """First lines of a lock file."""
    return f"# requirements-sha256: {digest()}\n# Written by make lock; do not edit.\n"


def write(*, upgrade: bool) -> None:
    """Resolve anew, keeping the versions that still fit unless asked to upgrade."""
    for path, options in LOCKS.items():
        command = [
            "uv",
            "pip",
            "compile",
            "pyproject.toml",
            "--generate-hashes",
            "--universal",
            "--python-version",
            "3.11",
        ]
        command += [
            "--no-emit-index-url",
            "--no-header",
            "--quiet",
            "--output-file",
            str(path.relative_to(ROOT)),
            *options,
        ]
        if upgrade:
            command.append("--upgrade")
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True)
        text = path.read_text(encoding="utf-8")
        if path in BESIDE:
            text = without_pins_of(BESIDE[path].read_text(encoding="utf-8"), text)
        path.write_text(header() + text, encoding="utf-8")


def without_pins_of(other: str, text: str) -> str:
    """The requirements of a lock file that another one does not pin already, for the same machines or for all.

    Args:
        other: Text of the lock file beside which the other packages are installed.
        text: Text of a lock file as uv writes it.
    """
    there = {block.split("\n", 1)[0].rstrip(" \\") for block in _PINNED.findall(other)}
    blocks = [(block, block.split("\n", 1)[0].rstrip(" \\")) for block in _PINNED.findall(text)]
    return "".join(block for block, pin in blocks if not {pin, pin.split(" ; ")[0]} & there)


def problems() -> list[str]:
    """What is wrong with the lock files, one line each."""
    found = []
    for path in LOCKS:
        name = path.relative_to(ROOT)
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not text.startswith(header()):
            found.append(f"{name} was not made from this pyproject.toml; run make lock and commit the result")
        if _URL.search(text):
            found.append(f"{name} names a package index; it must work with whichever index the user has")
    return found


def main() -> int:
    """Entry point of ``make lock`` and of its part of ``make check``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail when a lock file is out of date")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    arguments = parser.parse_args()
    if not arguments.check:
        write(upgrade=arguments.upgrade)
    found = problems()
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
