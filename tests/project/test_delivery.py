"""Workflows and the scripts they run: what can be judged without running them on GitHub."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NOTES = ROOT / "scripts" / "release_notes.py"
LAKES = ROOT / "scripts" / "isolated_lake.py"

CHANGELOG = """# Changelog

## [Unreleased]

- Later.

## [1.2.3] - 2021-05-01

### Added

- Candles.

## [1.2.30] - 2021-01-01

- Older.
"""


def call(script: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def jobs(workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = workflow["jobs"]
    assert found
    return found


def complaints(workflow: dict[str, Any]) -> list[str]:
    """What every workflow of this project owes and this one does not."""
    found = [] if workflow.get("permissions") == {"contents": "read"} else ["may more than read"]
    found += [] if workflow.get("concurrency", {}).get("group") else ["has no concurrency group"]
    found += [f"{name} has no time-out" for name, job in jobs(workflow).items() if "timeout-minutes" not in job]
    steps = [step for job in jobs(workflow).values() for step in job["steps"]]
    checkouts = [step for step in steps if str(step.get("uses", "")).startswith("actions/checkout@")]
    kept = [step for step in checkouts if step.get("with", {}).get("persist-credentials") is not False]
    return found + ["leaves the token in the checkout"] * bool(kept)


def test_complaints_bad_example_is_found() -> None:
    bad = {"jobs": {"test": {"steps": [{"uses": "actions/checkout@v5"}]}}}
    assert complaints(bad) == [
        "may more than read",
        "has no concurrency group",
        "test has no time-out",
        "leaves the token in the checkout",
    ]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_workflow_has_least_permissions_concurrency_and_time_outs(file: Path) -> None:
    assert complaints(yaml.safe_load(file.read_text("utf-8"))) == []


def test_workflows_call_only_targets_and_scripts_that_are_there() -> None:
    text = "\n".join(file.read_text("utf-8") for file in WORKFLOWS)
    targets = set(re.findall(r"(?:run:|^ +) make ([a-z]+)", text, re.MULTILINE))
    scripts = set(re.findall(r"scripts/\w+\.(?:py|sh)", text))
    known = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"check", "delivery", "test", "demo", "lineage", "lock", "bench"} <= targets <= known
    assert {"scripts/isolated_lake.py", "scripts/release_notes.py", "scripts/nightly_chaos.sh"} <= scripts
    assert [name for name in scripts if not (ROOT / name).is_file()] == []


def test_pull_request_drops_its_lake_whatever_happened() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    steps = jobs(workflow)["pull-request-lake"]["steps"]
    assert "isolated_lake.py build" in steps[-2]["run"]
    assert "isolated_lake.py drop" in steps[-1]["run"]
    assert steps[-1]["if"] == "always()"
    # The interpreter of the runner: the step has to work where the set-up is what failed.
    assert steps[-1]["run"].startswith("python ")


def test_drop_removes_the_lake_and_nothing_beside_it(tmp_path: Path) -> None:
    for name in ("ci_1_1", "ci_1_2"):
        (tmp_path / name / "marts").mkdir(parents=True)
    dropped = call(LAKES, "drop", "ci_1_1", "--root", tmp_path)
    assert (dropped.returncode, dropped.stderr) == (0, "")
    assert [folder.name for folder in tmp_path.iterdir()] == ["ci_1_2"]
    again = call(LAKES, "drop", "ci_1_1", "--root", tmp_path)
    assert again.returncode == 0
    assert "there is no such lake" in again.stdout


@pytest.mark.parametrize("name", ["data", "ci_", "ci_../data", "ci_1/../data", "CI_1", ""])
def test_drop_name_of_another_form_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "data").mkdir()
    refused = call(LAKES, "drop", name, "--root", tmp_path)
    assert refused.returncode == 2
    assert "expected a name like ci_4711_1" in refused.stderr
    assert (tmp_path / "data").is_dir()


def test_drop_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "ci_1").symlink_to(tmp_path / "data")
    refused = call(LAKES, "drop", "ci_1", "--root", tmp_path)
    assert refused.returncode == 2
    assert "is a link" in refused.stderr
    assert (tmp_path / "data").is_dir()


def test_build_lake_that_is_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ci_1").mkdir()
    refused = call(LAKES, "build", "ci_1", "--root", tmp_path)
    assert refused.returncode == 2
    assert "is there already" in refused.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of version 1.2.3 with a changelog."""
    (tmp_path / "src" / "klineforge").mkdir(parents=True)
    (tmp_path / "src" / "klineforge" / "__init__.py").write_text('__version__ = "1.2.3"\n', "utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    return tmp_path


def test_release_notes_are_the_section_of_the_version(project: Path) -> None:
    written = project / "notes.md"
    made = call(NOTES, "v1.2.3", "--project", project, "--output", written)
    assert (made.returncode, made.stderr) == (0, "")
    assert written.read_text("utf-8") == "### Added\n\n- Candles.\n"


@pytest.mark.parametrize("tag", ["v1.2.30", "1.2.3", "v1.2"])
def test_release_notes_tag_of_another_version_is_refused(project: Path, tag: str) -> None:
    refused = call(NOTES, tag, "--project", project, "--output", project / "notes.md")
    assert refused.returncode == 1
    assert "expected v1.2.3" in refused.stderr
    assert not (project / "notes.md").exists()


def test_release_notes_version_without_section_is_refused(project: Path) -> None:
    (project / "CHANGELOG.md").write_text("# Changelog\n\n## [1.2.3]\n\n## [1.2.2]\n\n- Old.\n", "utf-8")
    refused = call(NOTES, "v1.2.3", "--project", project, "--output", project / "notes.md")
    assert refused.returncode == 1
    assert "found nothing" in refused.stderr


@pytest.mark.parametrize("arguments", [("7", "many"), ("-1", "5")])
def test_nightly_chaos_refuses_what_is_no_number(arguments: tuple[str, str]) -> None:
    command = ["bash", str(ROOT / "scripts" / "nightly_chaos.sh"), *arguments]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "expected a whole number" in refused.stderr


def test_image_is_not_root_and_knows_its_health() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    final = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert "USER 10001:10001" in final
    assert any(line.startswith("HEALTHCHECK ") for line in final)
    assert not any(line.startswith("RUN ") for line in final[final.index("USER 10001:10001") :])
    assert any("--require-hashes -r requirements/service.lock" in line for line in lines)


def test_image_takes_only_what_is_named_and_never_a_lake() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert rules[0] == "*"
    taken = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert {name for name in taken if not (ROOT / name).exists()} == set()
    assert not any(name.startswith(("data", "conf/local", ".git")) for name in taken)


def test_lock_files_agree_about_versions() -> None:
    pin = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
    locks = {file.stem: dict(pin.findall(file.read_text("utf-8"))) for file in (ROOT / "requirements").glob("*.lock")}
    assert locks["runtime"].items() <= locks["service"].items() <= locks["dev"].items()


def test_services_change_nothing_but_the_lake() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    assert set(compose["services"]) == {"scheduler", "alerts", "app"}
    assert compose["services"]["app"]["ports"] == ["127.0.0.1:8501:8501"]
    places = {name: service["volumes"] for name, service in compose["services"].items()}
    lake = ["lake:/srv/klineforge/data"]
    assert places == {"scheduler": lake, "alerts": lake, "app": [f"{lake[0]}:ro"]}
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert any(mount.startswith("/tmp:") and mount.endswith(",exec") for mount in service["tmpfs"])  # noqa: S108
