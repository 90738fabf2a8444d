"""What a run checks before it touches a lake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from klineforge.errors import ConfigurationError
from klineforge.hooks import require_market, require_one_process, require_plain_path
from klineforge.reporting.redaction import redacted


def marked(lake: Path) -> str:
    return str(json.loads((lake / "_klineforge" / "market.json").read_text())["market"])


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "_klineforge").mkdir()
    return tmp_path


def test_lake_of_another_market_is_refused_once_it_holds_a_table(lake: Path) -> None:
    require_market(lake, "binance")
    require_market(lake, "simulated")
    assert marked(lake) == "simulated"
    (lake / "bronze" / "binance_klines_daily" / "_delta_log").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match="holds the market 'simulated', this run is for 'binance'"):
        require_market(lake, "binance")
    require_market(lake, "simulated")


def test_marker_cut_off_by_a_kill_is_written_again(lake: Path) -> None:
    (lake / "_klineforge" / "market.json").write_text("")
    require_market(lake, "binance")
    assert marked(lake) == "binance"


@pytest.mark.parametrize("path", ["/with space/lake", "/f\u00fcr/lake", "/a[1]/lake", "/a%20/lake", "/home/~/lake"])
def test_lake_with_a_path_that_readers_would_misread_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be used.*--params lake="):
        require_plain_path(Path(path))
    require_plain_path(Path("/srv/lake_1/b-2.c"))


def test_parallel_runner_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="ThreadRunner"):
        require_one_process({"runner": "ParallelRunner"})
    require_one_process({"runner": None})


def test_credentials_of_urls_do_not_reach_the_run_log() -> None:
    given = {"archive_url": "https://me:secret@host/x", "coins": ["A"], "workers": 3}
    assert redacted(given) == {"archive_url": "https://***@host/x", "coins": ["A"], "workers": 3}
