"""Tables that are computed a second time from a few candles, and tables that are gone or rotten."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from klineforge.contracts import CONTRACTS
from klineforge.lake.location import TableLocation
from klineforge.lake.table import LakeTable
from klineforge.quality import silver
from klineforge.quality.checks import promises
from klineforge.quality.comparison import compared
from klineforge.quality.files import log_and_files
from klineforge.quality.finding import Finding
from klineforge.quality.pair_figures import CORRELATIONS, regimes_and_breakdowns
from klineforge.quality.source import Source

NIGHT = datetime(2024, 4, 30, 20, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")
COIN = {"exchange": "binance", "coin": "AAA"}


def at(hour: int) -> datetime:
    """An hour counted from the evening before a month begins."""
    return NIGHT + timedelta(hours=hour)


def frame(rows: list[dict[str, object]]) -> pl.LazyFrame:
    """Rows, their instants in microseconds."""
    table = pl.DataFrame(rows)
    return table.with_columns(pl.col(pl.Datetime).cast(INSTANT)).lazy()


def run(first: int, last: int) -> dict[str, object]:
    """A row of ``kline_runs``."""
    return {**COIN, "listing_seq": 1, "first_hour": at(first), "last_hour": at(last), "candles": last - first + 1}


def gap(start: int, end: int) -> dict[str, object]:
    """A row of ``kline_gaps``."""
    return {**COIN, "gap_start": at(start), "gap_end": at(end)}


def broken(findings: list[Finding]) -> dict[str, int]:
    """Rules that do not hold, with how often."""
    return {finding.rule: finding.failed for finding in findings if not finding.holds}


FACT = frame([{**COIN, "listing_seq": 1, "open_timestamp": at(hour)} for hour in (0, 1, 2, 3, 4, 7, 8)])
# Hour 4 is the first of May; hours 5 and 6 are missing.
RUNS = [run(0, 3), run(4, 4), run(7, 8)]


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        (RUNS, {}),
        (RUNS[:2], {"one_row_each": 1}),
        ([run(0, 4), run(7, 8)], {"one_row_each": 1, "figures_again": 1}),
        ([*RUNS[:2], run(7, 9)], {"figures_again": 1}),
    ],
)
def test_runs_are_the_candles_hour_by_hour(runs: list[dict[str, object]], told: dict[str, int]) -> None:
    assert broken(silver.runs_again(FACT, frame(runs))) == told


@pytest.mark.parametrize(
    ("gaps", "told"),
    [
        ([gap(5, 7)], {}),
        ([gap(5, 6), gap(6, 7), gap(9, 20)], {}),
        ([gap(4, 6)], {"no_candle_in_a_gap": 1}),
        ([gap(6, 8)], {"no_candle_in_a_gap": 1}),
        ([gap(5, 6), gap(5, 6)], {"no_candle_in_a_gap": 1}),
    ],
)
def test_gaps_hold_no_candle_and_no_gap(gaps: list[dict[str, object]], told: dict[str, int]) -> None:
    assert broken([silver.gaps_without_candles(frame(gaps), frame(RUNS))]) == told


@pytest.mark.parametrize(
    ("hour", "column", "value", "rule"),
    [
        (2, "correlation_regime", "Low", "regime_fits"),
        (4, "correlation_regime", "Low", "regime_fits"),
        (2, "corr_breakdown_alerts", False, "breakdown_fits"),
        (5, "corr_breakdown_alerts", True, "breakdown_fits"),
    ],
)
def test_regimes_and_breakdowns_are_those_of_the_correlations(hour: int, column: str, value: object, rule: str) -> None:
    # Hour 3 lies on a threshold but for rounding, hour 4 has no correlation, hour 5 none an hour before.
    values = {0: 0.9, 1: 0.85, 2: 0.1, 3: 0.5 - 1e-12, 4: None, 5: -0.95}
    names = {0: "High", 1: "High", 2: "Uncorrelated", 3: "Medium", 4: None, 5: "High"}
    pair = {"exchange": "binance", "base_coin": "AAA", "related_coin": "BBB"}
    again = frame(
        [{**pair, "base_seq": 1, "related_seq": 1, "open_timestamp": at(h), "corr_24h": c} for h, c in values.items()]
    ).collect()
    held = frame(
        [
            {**pair, "open_timestamp": at(h), "correlation_regime": names[h], "corr_breakdown_alerts": h == 2}
            for h in values
        ]
    )
    assert broken(regimes_and_breakdowns(again, held)) == {}
    changed = pl.when(pl.col("open_timestamp") == at(hour)).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    assert broken(regimes_and_breakdowns(again, held.with_columns(changed))) == {rule: 1}


@pytest.mark.parametrize(("noise", "told"), [(9e-10, {}), (2e-9, {"figures_again": 1})])
def test_a_correlation_near_zero_may_be_as_far_off_as_any(noise: float, told: dict[str, int]) -> None:
    key = {"exchange": "binance", "base_coin": "AAA", "related_coin": "BBB", "open_timestamp": at(0)}
    again = frame([{**key, "observations_24h": 24, "corr_24h": 0.001}])
    held = again.with_columns(pl.col("corr_24h") + noise)
    assert broken(compared("mart_correlations", again.collect(), held, CORRELATIONS)) == told


def stored(lake: Path, name: str) -> Path:
    """A table of two commits, in no other respect like the one of its name."""
    place = lake / CONTRACTS[name].layer / name
    for number in (1, 2):
        write_deltalake(place, pl.DataFrame({"n": [number]}).to_arrow(), mode="append")
    return place


def asked(lake: Path, name: str) -> list[Finding]:
    """What its contract is asked of a table."""
    contract = CONTRACTS[name]
    location = TableLocation(str(lake / contract.layer / name))
    return promises(Source(LakeTable.at(contract, location)), {}, at(0))


def _remove(place: Path) -> None:
    shutil.rmtree(place)


def _remove_the_log(place: Path) -> None:
    shutil.rmtree(place / "_delta_log")


@pytest.mark.parametrize("harm", [_remove, _remove_the_log])
def test_a_table_that_is_gone_is_an_error(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    harm(stored(tmp_path, "dim_coins"))
    stored(tmp_path, "mart_returns_1h")
    (finding,) = asked(tmp_path, "dim_coins")
    assert (finding.rule, finding.is_error) == ("made", True)
    assert "kedro klineforge repair" in finding.detail


def test_a_table_that_was_not_made_yet_is_a_warning_and_one_nobody_asked_for_is_nothing(tmp_path: Path) -> None:
    stored(tmp_path, "binance_klines_daily")
    assert [(one.rule, one.severity) for one in asked(tmp_path, "dim_coins")] == [("made", "warning")]
    assert asked(tmp_path, "alerts") == []


def test_a_lake_that_rest_is_off_for_has_no_listing_and_is_sound(tmp_path: Path) -> None:
    stored(tmp_path, "mart_returns_1h")
    assert asked(tmp_path, "binance_exchange_info") == []
    _remove_the_log(stored(tmp_path, "binance_exchange_info"))
    assert [one.rule for one in asked(tmp_path, "binance_exchange_info") if one.is_error] == ["made"]


def test_a_commit_that_readers_do_not_need_hides_nothing_else(tmp_path: Path) -> None:
    place = stored(tmp_path, "dim_coins")
    DeltaTable(place).create_checkpoint()
    (place / "_delta_log" / "00000000000000000000.json").write_text("garbage", encoding="utf-8")
    found = {finding.rule: finding for finding in log_and_files(place, CONTRACTS["dim_coins"])}
    assert found["log_readable"].holds
    assert found["files_whole"].holds
    assert not found["commits_ours"].holds
    assert "kedro klineforge repair" in found["commits_ours"].detail


@pytest.mark.parametrize("name", ["binance_klines_daily", "alerts"])
def test_no_rebuild_is_advised_where_there_is_none(tmp_path: Path, name: str) -> None:
    found = list(log_and_files(stored(tmp_path, name), CONTRACTS[name]))
    assert {"columns_as_promised", "commits_ours"} <= {finding.rule for finding in found if not finding.holds}
    assert "rebuild" not in " ".join(finding.detail for finding in found)


def test_what_a_restore_undid_counts_no_more(tmp_path: Path) -> None:
    place = stored(tmp_path, "binance_klines_daily")
    foreign = _foreign(place)
    write_deltalake(place, pl.DataFrame({"n": [3]}).to_arrow(), mode="append")
    assert _foreign(place) == foreign + 1
    DeltaTable(place).restore(1)
    assert _foreign(place) == foreign
    write_deltalake(place, pl.DataFrame({"n": [4]}).to_arrow(), mode="append")
    assert _foreign(place) == foreign + 1


def _foreign(place: Path) -> int:
    found = {finding.rule: finding for finding in log_and_files(place, CONTRACTS["binance_klines_daily"])}
    return found["commits_ours"].failed


@pytest.mark.parametrize(("held", "way_back"), [(1, "klineforge repair"), (3, "docs/repair.md")])
def test_lost_records_are_mended_and_foreign_ones_taken_back(held: int, way_back: str) -> None:
    source: dict[str, object] = {"coin": "AAA", "sha256": "aa"}
    finding = silver.checkpoints_count_bronze(frame([source] * held), frame([{**source, "row_count": 2}]))
    assert not finding.holds
    assert way_back in finding.detail
