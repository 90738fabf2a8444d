"""A run that is told to end while Spark is at work: the step is not tried again, the process and its Java are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from orchestration.conftest import BESIDE
from orchestration.running import ROOT
from processes import running, wait_for_words

from klineforge.lake.lock import lake_lock

pytest.importorskip("dagster", reason="Dagster's packages are not there: make .venv/dagster")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

# As Dagster's own launcher does it: a job in the main thread of a process, ended by SIGINT.
PROGRAM = """
import sys
import dagster as dg
from klineforge.orchestration.building import build
from klineforge.orchestration.session import Project
from pathlib import Path

root, lake, start = sys.argv[1:]
definitions = build(Project(Path(root), "demo", {"lake": lake, "coins": "BTCUSDT ETHUSDT", "start": start}))
with dg.DagsterInstance.ephemeral() as instance:
    result = definitions.resolve_job_def("daily").execute_in_process(
        instance=instance, raise_on_error=False
    )
"""


def test_interrupted_run_ends_at_once_and_lets_go_of_the_lake(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    start = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    command = [sys.executable, "-c", PROGRAM, str(ROOT), str(lake), start]
    environment = {**os.environ, "PYTHONPATH": str(BESIDE)}
    log = tmp_path / "log"
    with running(command, log, env=environment, start_new_session=True) as run:
        wait_for_words('Started execution of step "compute_returns', run, log, seconds=120)
        time.sleep(0.5)

        run.send_signal(signal.SIGINT)

        run.wait(30)
    said = log.read_text()
    assert "interrupted" in said
    assert "STEP_UP_FOR_RETRY" not in said
    with lake_lock(lake, purpose="a test", now=datetime.now(UTC)):
        pass
    assert _processes_of(run.pid) == []


def _processes_of(session: int) -> list[str]:
    """What still runs of a session, after a little patience for Java."""
    until = time.monotonic() + 20
    while True:
        found = subprocess.run(["ps", "-s", str(session), "-o", "args="], capture_output=True, text=True, check=False)
        lines = found.stdout.splitlines()
        if not lines or time.monotonic() > until:
            return lines
        time.sleep(0.2)
