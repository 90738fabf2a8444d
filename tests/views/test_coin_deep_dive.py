"""Coin Deep Dive as a value: candles, holes, marks, regimes."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from small_lake.market import (
    END,
    HOUR,
    LATE_COIN,
    LISTED_AT,
    OUTAGE,
    REFUSED_COIN,
    REFUSED_HOUR,
    SPIKE_COIN,
    SPIKE_HOUR,
)

from klineforge.serving import Explanation, Warehouse, read_catalogue, read_selection
from klineforge.views.coin_deep_dive import COIN_DEEP_DIVE
from klineforge.views.page import Chart, Page
from klineforge.views.pages import build
from klineforge.views.theme import DARK


def dive(lake: Path, **query: str) -> Page | Explanation:
    warehouse = Warehouse(lake)
    selection = read_selection(query, read_catalogue(warehouse)).selection
    return build(COIN_DEEP_DIVE, warehouse, selection, COIN_DEEP_DIVE.options(), DARK)


def page_of(lake: Path, **query: str) -> Page:
    page = dive(lake, **query)
    assert isinstance(page, Page)
    return page


def chart(page: Page, key: str) -> Chart:
    return next(block for block in page.blocks() if isinstance(block, Chart) and block.key == key)


def test_candles_of_a_day_are_those_of_its_hours(small_lake: Path) -> None:
    daily = page_of(small_lake, coin="BTCUSDT", interval="1d").frames()["price"]

    fact = pl.read_delta(str(small_lake / "silver" / "fact_1h_klines")).filter(pl.col("coin") == "BTCUSDT")
    day = (END - timedelta(days=5)).replace(hour=0)
    inside = pl.col("open_timestamp").is_between(day, day + timedelta(days=1), closed="left")
    hours = fact.filter(inside).sort("open_timestamp")
    shown = daily.filter(pl.col("open_timestamp") == day).row(0, named=True)
    assert shown["hours"] == hours.height
    assert shown["open_price"] == hours["open_price"][0]
    assert shown["high_price"] == hours["high_price"].max()
    assert shown["low_price"] == hours["low_price"].min()
    assert shown["close_price"] == hours["close_price"][-1]
    assert shown["volume"] == pytest.approx(hours["volume"].sum())


def test_hours_without_a_candle_are_drawn_and_listed_with_their_kind(small_lake: Path) -> None:
    page = page_of(small_lake, coin=REFUSED_COIN, range="7d")

    holes = page.frames()["holes"]
    assert ("Outage of the exchange", *OUTAGE) in holes.select("kind", "start", "end").rows()
    refused = holes.filter(pl.col("kind") == "Quarantined").row(0, named=True)
    assert (refused["start"], refused["reason"]) == (REFUSED_HOUR, "high_is_not_highest")
    names = {trace.name for trace in chart(page, "price").figure.data}
    assert {"Outage of the exchange", "Quarantined", "Hours without a candle"} <= names
    assert "high_is_not_highest" in chart(page, "price").note


def test_volume_spikes_are_marked_where_they_were(small_lake: Path) -> None:
    drawn = chart(page_of(small_lake, coin=SPIKE_COIN, range="24h"), "price").figure

    marks = next(trace for trace in drawn.data if trace.name == "Volume spike")
    assert f"{SPIKE_HOUR:%Y-%m-%dT%H:%M}" in {str(moment)[:16] for moment in marks.x}


def test_rsi_has_the_lines_of_overbought_and_oversold(small_lake: Path) -> None:
    drawn = chart(page_of(small_lake), "rsi_14").figure

    assert {shape.y0 for shape in drawn.layout.shapes} == {30, 70}
    assert {note.text for note in drawn.layout.annotations} == {"30 oversold", "70 overbought"}


def test_regimes_of_volatility_are_bands_of_the_hours_that_have_them(small_lake: Path) -> None:
    page = page_of(small_lake, range="7d")

    drawn = chart(page, "rolling_vol_24h")
    band = next(trace for trace in drawn.figure.data if trace.name == "Medium regime")
    hours = drawn.frame.filter(pl.col("volatility_regime") == "Medium")["open_timestamp"]
    first = str(band.x[0])[:16]
    assert first == f"{hours.min():%Y-%m-%dT%H:%M}"


def test_coin_that_was_not_listed_in_the_range_is_explained(small_lake: Path) -> None:
    before = LISTED_AT - timedelta(days=2)

    found = dive(small_lake, coin=LATE_COIN, start=f"{before:%Y-%m-%d}", end=f"{before + timedelta(days=1):%Y-%m-%d}")

    assert isinstance(found, Explanation)
    assert found.reason == "nothing_selected"
    assert LATE_COIN in found.what


def test_figures_are_of_the_newest_hour(small_lake: Path) -> None:
    page = page_of(small_lake, coin="ETHUSDT")

    rows = pl.read_delta(str(small_lake / "marts" / "mart_indicators_1h"))
    last = rows.row(by_predicate=(pl.col("coin") == "ETHUSDT") & (pl.col("open_timestamp") == END - HOUR), named=True)
    for name in ("return_24h", "rsi_14", "vwap_deviation", "trend_run_hours"):
        assert page.kpi(name).value == last[name]


def test_interval_that_would_be_too_many_candles_is_replaced(small_lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("klineforge.views.dive_figures.CANDLES", 400)

    page = page_of(small_lake, range="all", interval="1h")

    assert page.frames()["price"].height <= 400
    assert "Candles of 4 hours; 1 hour would be too many" in chart(page, "price").note


def test_hours_without_a_candle_are_counted_where_the_tables_of_gaps_are_missing(
    small_lake: Path, tmp_path: Path
) -> None:
    lake = Path(shutil.copytree(small_lake, tmp_path / "lake"))
    for table in ("kline_gaps", "quarantine_klines"):
        (folder,) = lake.glob(f"*/{table}")
        shutil.rmtree(folder)

    (note,) = [block.note for block in page_of(lake, range="7d").blocks() if getattr(block, "key", "") == "holes"]

    assert "hours between the first and the last candle have none" in note
