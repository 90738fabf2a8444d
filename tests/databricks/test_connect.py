"""Every derived table comes out the same on a Spark Connect server, by name, as in a folder on a Spark of our own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def call(*command: str, cwd: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), *sys.path[1:]])}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_connect_builds_the_same_tables(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    start = (datetime.now(UTC) - timedelta(days=9)).date()
    asked = f"lake={lake},coins=BTCUSDT ETHUSDT,start={start}"
    run = [sys.executable, "-m", "kedro", "run", "--env", "demo", "--pipelines", "__default__,features"]
    call(*run, "--params", asked, cwd=ROOT)
    call(sys.executable, str(Path(__file__).with_name("on_connect.py")), str(lake), str(tmp_path), cwd=tmp_path)
    answer = json.loads((tmp_path / "answer.json").read_text("utf-8"))
    assert "connect" in answer["kind"]
    assert len(answer["tables"]) > 15
    for name, (here, there, missing, extra) in answer["tables"].items():
        assert (here, missing, extra) == (there, 0, 0), name
    assert answer["records"][0] > 0
    assert answer["records"][1] == 0
    assert answer["rest_is_equal"]
