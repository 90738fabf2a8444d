"""The lock file of what is installed beside the environment holds only what that one lacks."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lock_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / "scripts" / "lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return {pin.split("==")[0]: pin for pin in re.findall(r"^([a-z][^ ]*==[^ ]+)", text, re.MULTILINE)}


def test_what_the_other_lock_pins_for_the_same_machines_is_left_out() -> None:
    other = "a==1 \\\n    --hash=x\n    # via b\nc==3 ; sys_platform == 'win32' \\\n    --hash=z\n"
    ours = "a==1 \\\n    --hash=x\nb==2 \\\n    --hash=y\nc==3 \\\n    --hash=z\n"
    assert lock_script().without_pins_of(other, ours) == "b==2 \\\n    --hash=y\nc==3 \\\n    --hash=z\n"


def test_packages_at_another_version_are_no_constraint() -> None:
    text = "a==1 \\\n    --hash=x\nab==2 \\\n    --hash=y\n"
    assert lock_script().without_packages(text, {"a"}) == "ab==2 \\\n    --hash=y\n"


@pytest.mark.parametrize(("example", "others"), [("mlflow", {"pyarrow"}), ("feast", set())])
def test_examples_have_the_versions_of_the_environment(example: str, others: set[str]) -> None:
    beside, there = pins(f"../examples/{example}/requirements.lock"), pins("dev.lock")
    assert example in beside
    assert {name for name in beside if name in there and beside[name] != there[name]} == others
    assert lock_script().EXAMPLES[ROOT / "examples" / example] == tuple(others)


def test_dagster_lock_agrees_with_the_environment() -> None:
    beside, there = pins("dagster.lock"), pins("dev.lock")
    assert {"dagster", "dagster-webserver"} <= set(beside)
    assert {name: pin for name, pin in beside.items() if name in there} == {
        name: pin for name, pin in there.items() if name in beside
    }
    assert not {"kedro", "pyspark", "polars"} & set(beside)
