"""Write the lock files from pyproject.toml, or check that they belong to it.

The first line of a lock file holds a digest of the requirements it was made from. The check compares digests: it needs
no network and does not fail because somebody released a new version meanwhile.

``dagster.lock`` is what Dagster needs beside ``dev.lock``: it is installed into a folder of its own (ADR 19). So is
what the examples need; their requirements are no part of the project but stand beside them (ADR 26).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection
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
# What examples need beside dev.lock; packages they need at another version, which goes before the environment's.
EXAMPLES = {ROOT / "examples" / "mlflow": ("pyarrow",), ROOT / "examples" / "feast": ()}
_COMPILE = (
    *("-m", "uv", "pip", "compile", "--generate-hashes", "--universal", "--python-version", "3.11"),
    *("--no-emit-index-url", "--no-header", "--quiet"),
)
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


def example_header(folder: Path) -> str:
    """First lines of an example's lock file; that it agrees with the environment's is tested by its versions."""
    wanted = (folder / "requirements.in").read_bytes()
    return f"# requirements-sha256: {hashlib.sha256(wanted).hexdigest()}\n# Written by make lock; do not edit.\n"


def write(*, upgrade: bool) -> None:
    """Resolve anew, keeping the versions that still fit unless asked to upgrade."""
    for path, options in LOCKS.items():
        text = _compiled(ROOT / "pyproject.toml", path, *options, upgrade=upgrade)
        if path in BESIDE:
            text = without_pins_of(BESIDE[path].read_text(encoding="utf-8"), text)
        path.write_text(header() + text, encoding="utf-8")
    environment = (ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8")
    for folder, others in EXAMPLES.items():
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as constraints:
            constraints.write(without_packages(environment, others))
            constraints.flush()
            path = folder / "requirements.lock"
            text = _compiled(folder / "requirements.in", path, "--constraint", constraints.name, upgrade=upgrade)
        text = without_pins_of(environment, text).replace(f"    #   -c {constraints.name}\n", "")
        path.write_text(example_header(folder) + text, encoding="utf-8")


def _compiled(wanted: Path, path: Path, *options: str, upgrade: bool) -> str:
    names = [str(one.relative_to(ROOT)) for one in (wanted, path)]
    command = [sys.executable, *_COMPILE, names[0], "--output-file", names[1], *options]
    subprocess.run(command + ["--upgrade"] * upgrade, cwd=ROOT, check=True)
    return path.read_text(encoding="utf-8")


def without_packages(text: str, names: Collection[str]) -> str:
    """A lock file's requirements but for some packages."""
    blocks = _PINNED.findall(text)
    return "".join(block for block in blocks if block.split("==", 1)[0] not in names)


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
    headers = {path: header() for path in LOCKS}
    headers |= {folder / "requirements.lock": example_header(folder) for folder in EXAMPLES}
    for path, expected in headers.items():
        name = path.relative_to(ROOT)
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if not text.startswith(expected):
            found.append(f"{name} was not made from these requirements; run make lock and commit the result")
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
