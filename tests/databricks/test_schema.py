"""The check against the published schema finds what it is there for; the schema itself is no part of the repository."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_bundles.py"
ANY = {"type": "object", "additionalProperties": True}
# In the form of the published one: an open root, closed objects below, and text with ${...} instead of any value.
PROPERTIES = {**dict.fromkeys(("bundle", "variables", "sync", "targets"), ANY), "include": {"type": "array"}}
REFERENCE = {"type": "string", "pattern": "\\$\\{.*\\}"}
KEYS = ("name", "description", "tags", "tasks", "queue", "health", "schedule", "environments", "job_clusters")
KEYS += ("max_concurrent_runs", "timeout_seconds", "email_notifications", "webhook_notifications")


def jobs_with(*keys: str) -> dict[str, object]:
    """Schema of resources whose jobs have these keys and no others."""
    job = {"type": "object", "properties": {key: {} for key in keys}, "additionalProperties": False}
    return {"properties": {"jobs": {"additionalProperties": {"oneOf": [job, REFERENCE]}}}}


def check(folder: Path, resources: object) -> subprocess.CompletedProcess[str]:
    file = folder / "schema.json"
    schema = {"properties": {**PROPERTIES, "resources": resources}, "additionalProperties": {}}
    file.write_text(json.dumps(schema), "utf-8")
    command = [sys.executable, str(SCRIPT), "--schema", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_bundles_within_the_schema_pass(tmp_path: Path) -> None:
    done = check(tmp_path, jobs_with(*KEYS))
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 complaints" in done.stdout


def test_key_the_schema_lacks_is_named(tmp_path: Path) -> None:
    done = check(tmp_path, jobs_with(*set(KEYS) - {"tags"}))
    assert done.returncode == 1
    assert "resources.jobs.klineforge_daily" in done.stdout
    assert "'tags'" in done.stdout


def test_schema_that_sees_no_misspelt_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text("{}", "utf-8")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--schema", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "does not notice a misspelt key" in done.stderr
