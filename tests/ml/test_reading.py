"""Loading features, and the newest of them."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from ml.lake import COINS, FIRST, HOURS, features, write_lake
from ml.panels import HOUR

from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.features import FEATURES_1H
from klineforge.errors import ConfigurationError, DamagedTableError, VersionGoneError
from klineforge.ml import feature_catalog, latest_features, load_features, training_set

KEY = ["exchange", "coin", "available_at", "open_timestamp", "listing_seq"]
PANDAS = "pandas"


def test_all_columns_of_the_catalogue_are_loaded_as_they_were_written(invented_lake: Path) -> None:
    rows = load_features(invented_lake).collect()
    assert rows.columns == [*KEY, *(spec.name for spec in FEATURES)]
    written = features(0, HOURS).select(rows.columns)
    assert rows.sort("coin", "available_at").equals(written.sort("coin", "available_at"))


def test_selection_is_half_open_and_spans_years(invented_lake: Path) -> None:
    start, end = datetime(2025, 12, 31, 20, tzinfo=UTC), datetime(2026, 1, 1, 3, tzinfo=UTC)
    rows = load_features(
        invented_lake, names=["rsi_14", "drawdown"], coins="BTCUSDT ADAUSDT", exchange="binance", start=start, end=end
    ).collect()
    assert rows.columns == [*KEY, "rsi_14", "drawdown"]
    assert set(rows["coin"]) == {"BTCUSDT", "ADAUSDT"}
    assert (rows["available_at"].min(), rows["available_at"].max()) == (start, end - HOUR)
    assert rows.height == 14
    assert load_features(invented_lake, start="2026-01-02", end=date(2026, 1, 3)).collect().height == 24 * 3


@pytest.mark.parametrize(("kind", "type_"), [("polars", pl.DataFrame), (PANDAS, pd.DataFrame), ("arrow", pa.Table)])
def test_features_are_given_as_asked(invented_lake: Path, kind: Any, type_: type) -> None:
    rows = load_features(invented_lake, names="rsi_14", coins="BTCUSDT", kind=kind)
    assert isinstance(rows, type_)
    assert isinstance(latest_features(invented_lake, kind=kind), type_)
    if isinstance(rows, pa.Table):
        assert rows.schema.field("coin").type == pa.large_string()
        assert rows.schema.field("available_at").type == pa.timestamp("us", "UTC")
    if isinstance(rows, pd.DataFrame):
        assert str(rows["available_at"].dtype) == "datetime64[us, UTC]"


def test_version_is_settled_when_features_are_loaded(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", 30)
    before = load_features(lake)
    write_lake(lake, 10, first_hour=30)
    assert before.collect().height == 90
    assert load_features(lake).collect().height == 120
    assert load_features(lake, version=0).collect().height == 90


def test_latest_are_the_newest_of_each_coin_and_none_that_are_older_than_asked(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", 30)
    path = lake / "features" / "features_1h"
    DeltaTable(path).delete("coin = 'ETHUSDT' AND available_at > '2025-12-30T12:00:00Z'")
    DeltaTable(path).delete("coin = 'ADAUSDT' AND available_at > '2025-12-30T17:30:00Z'")
    newest = FIRST + 30 * HOUR
    rows = latest_features(lake)
    assert rows.select("coin", "available_at").rows() == [("ADAUSDT", newest - HOUR), ("BTCUSDT", newest)]
    assert latest_features(lake, max_age=HOUR / 2)["coin"].to_list() == ["BTCUSDT"]
    assert latest_features(lake, max_age=timedelta(days=2))["coin"].to_list() == list(COINS)
    earlier = latest_features(lake, at=newest - 3 * HOUR + HOUR / 2, names="rsi_14", coins="BTCUSDT")
    assert earlier["available_at"].to_list() == [newest - 3 * HOUR]
    assert latest_features(lake, at=newest + 5 * HOUR).is_empty()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": ["rsi14"]}, "unknown features rsi14: did you mean rsi_14"),
        ({"names": "forward_return_1h"}, "forward_return_1h look ahead: they are labels"),
        ({"coins": ["BTCUSD"]}, r"unknown coins BTCUSD: did you mean BTCUSDT, ETHUSDT\? \(in features_1h\)"),
        ({"coins": []}, "a list of names is empty"),
        ({"exchange": "nowhere"}, "unknown exchange nowhere: there are binance"),
        ({"start": datetime(2026, 1, 1)}, "start is .* which has no time zone"),  # noqa: DTZ001 - the point of the case
        ({"start": "soon"}, "start must be an instant, found 'soon'"),
        ({"start": "2026-01-02", "end": "2026-01-02"}, "end must lie after start"),
        ({"version": 7}, "features_1h has no version 7: expected a whole number from 0 to 0"),
        ({"kind": "csv"}, "kind must be one of"),
    ],
)
def test_loading_refuses_what_it_cannot_give(invented_lake: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_features(invented_lake, **arguments)


def test_lake_and_table_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no lake at .*nothing"):
        load_features(tmp_path / "nothing")
    every = r"has no table features_1h; make it with: kedro run --pipelines __default__,features --params lake=/"
    with pytest.raises(ConfigurationError, match=every):
        latest_features(tmp_path)


def test_command_that_makes_the_tables_is_that_of_the_lake_s_market(
    small_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Seen from another folder, as in a notebook; the lake has marts, and its market is the simulated one.
    monkeypatch.chdir(small_lake.parent)
    command = f"kedro run --env demo --pipeline features --params lake={small_lake}"
    with pytest.raises(ConfigurationError, match=f"{re.escape(command)}$"):
        load_features(small_lake.name)
    with pytest.raises(ConfigurationError, match=f"{re.escape(command)}$"):
        training_set(small_lake.name, label="forward_return_1h")


def test_vacuumed_version_is_said_to_be_gone(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", 30)
    path = lake / "features" / "features_1h"
    DeltaTable(path).delete("coin = 'ETHUSDT'")
    assert load_features(lake, version=0).collect().height == 90
    DeltaTable(path).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(VersionGoneError, match=r"version 0 of features_1h .*: \d of its files were vacuumed. Take the"):
        load_features(lake, version=0)
    (path / "_delta_log" / f"{0:020d}.json").unlink()
    with pytest.raises((VersionGoneError, DamagedTableError), match="features_1h"):
        load_features(lake, version=0)


def test_damaged_log_is_told_as_everywhere(tmp_path: Path) -> None:
    lake = write_lake(tmp_path / "lake", 30)
    shutil.rmtree(lake / "features" / "features_1h" / "_delta_log")
    with pytest.raises(DamagedTableError, match="its _delta_log is missing"):
        load_features(lake)


def test_catalogue_names_every_column() -> None:
    assert [spec.name for spec in feature_catalog()] == [column.name for column in FEATURES_1H.columns[5:]]
    assert {spec.role for spec in feature_catalog("labels_1h")} == {"label", "label_end", "label_scale"}
    with pytest.raises(ConfigurationError, match="table must be features_1h or labels_1h, found 'fact'"):
        feature_catalog("fact")  # type: ignore[arg-type]
