"""From a real increment through the run log to what status shows."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from law.lake import Lake
from law.records import Record

from klineforge.hooks import LakeHooks
from klineforge.incremental.recipe import Derivation
from klineforge.recipes.silver import STAGE
from klineforge.reporting.console import report_console
from klineforge.reporting.health import read_health
from klineforge.reporting.render import print_status
from klineforge.reporting.runlog import read_runs

COINS = ("AAAUSDT", "BBBUSDT")


def run(lake: Lake, records: list[Record]) -> None:
    """A run of two tables as Kedro makes it: begun, saved table by table, written down."""
    hooks = LakeHooks()
    hooks._lake = lake.root
    hooks.before_pipeline_run(run_params={"pipeline_name": "silver"}, pipeline=Pipeline([]), catalog=DataCatalog())
    lake.add(records)
    lake.dataset(STAGE.name).save(Derivation(STAGE, {"klines": lake.dataset("binance_klines_daily").load()}))
    hooks._finish(outcome="succeeded", error=None)


def shown(lake: Lake, now: datetime) -> dict[str, list[str]]:
    """Cells of the last run's tables by table."""
    out = io.StringIO()
    print_status(read_health(lake.root, now), report_console(out))
    lines = out.getvalue().split("Tables of the run of")[1].splitlines()
    return {cells[0]: cells[1:] for cells in (line.split() for line in lines[2:]) if cells}


@pytest.mark.slow
@pytest.mark.usefixtures("spark")
def test_status_shows_what_an_increment_touched(tmp_path: Path, now: datetime) -> None:
    lake = Lake(tmp_path)
    (tmp_path / "_klineforge").mkdir()
    run(lake, [Record(coin, hour, 100.0 + hour) for coin in COINS for hour in range(24)])
    first = shown(lake, now)
    assert first["binance_klines_daily"][:5] == ["append", "48", "0", "0", "0"]
    assert first["stage_binance_klines"][:5] == ["rebuild", "48", "0", "0", "0"]
    assert first["stage_binance_klines"] != first["binance_klines_daily"]

    late = Record("AAAUSDT", 5, 7.0, sequence=1)
    again = Record("BBBUSDT", 5, 105.0)  # as it was: nothing differs
    run(lake, [*(Record(coin, 24, 124.0) for coin in COINS), late, again])

    second = shown(lake, now)
    assert second["binance_klines_daily"][:5] == ["append", "4", "0", "0", "0"]
    assert second["stage_binance_klines"][:5] == ["merge", "2", "1", "0", "1"]
    klines, stage = read_runs(tmp_path, 1).runs[0].by_table()
    assert stage.read == {"binance_klines_daily": klines.version}
    assert stage.version == (stage.version_before or 0) + 1
    assert (stage.bytes_added or 0) > 0
