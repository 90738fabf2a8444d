"""Run the examples, each with its own packages beside the environment: ``make examples``.

make examples                                both, on a small invented lake that is made below --work
make examples ARGS="--lake data/demo"        on another lake that has features_1h and labels_1h
make examples ARGS="--only feast"            one of them
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from klineforge.errors import KlineForgeError
from klineforge.ml import training_set

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("mlflow", "feast")


def packages(name: str) -> Path:
    """Folder with an example's packages, whether it is there or not."""
    return Path(sys.prefix) / name


def small_lake(root: Path) -> Path:
    """The lake of the tests with features and labels; made unless it is there."""
    if not (root / "features" / "labels_1h").is_dir():
        sys.path.insert(0, str(ROOT / "tests"))
        importlib.import_module("ml.demo").build_demo(root)
    return root


def commands(name: str, lake: Path, store: Path) -> list[tuple[list[str], Path]]:
    """What an example runs, one after the other, and where."""
    folder = ROOT / "examples" / name
    if name == "feast":
        return [([sys.executable, "run.py", str(lake), str(store)], folder)]
    return [
        ([sys.executable, "-m", "kedro", "run", "--params", f"lake={lake},store={store}"], folder),
        ([sys.executable, "again.py", str(lake), str(store)], folder),
    ]


def run(name: str, lake: Path, store: Path) -> int:
    """Run an example.

    Args:
        name: One of ``NAMES``.
        lake: A lake with features and labels; it is only read.
        store: Folder for what the example writes.

    Returns:
        Exit code of the first command that fails; else 0.
    """
    store.mkdir(parents=True, exist_ok=True)
    # Neither tells anybody that it was run.
    environment = os.environ | {
        "PYTHONPATH": str(packages(name)),
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "FEAST_USAGE": "False",
    }
    for command, folder in commands(name, lake.resolve(), store.resolve()):
        code = subprocess.run(command, cwd=folder, env=environment, check=False).returncode
        if code:
            return code
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``make examples``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=NAMES, help="run one of them")
    parser.add_argument("--lake", type=Path, help="a lake with features_1h and labels_1h; a small invented one")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "examples", help="folder to write to")
    given = parser.parse_args(arguments)
    names = [given.only] if given.only else list(NAMES)
    missing = [name for name in names if not packages(name).is_dir()]
    if missing:
        print(f"the packages of {' and '.join(missing)} are not installed; run: make example-packages", file=sys.stderr)
        return 2
    lake = given.lake or small_lake(given.work / "lake")
    try:
        training_set(lake, label="forward_return_24h", features=["log_return_1h"])
    except KlineForgeError as error:
        print(error, file=sys.stderr)
        return 2
    for name in names:
        print(f"== {name}", flush=True)
        code = run(name, lake, given.work / name)
        if code:
            print(f"the example {name} failed with exit code {code}", file=sys.stderr)
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
