"""Market Pulse as a value: figures against the rows they come from, many coins, tables that are missing."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from deltalake import DeltaTable
from small_lake.lake import write
from small_lake.market import COINS, END, HOUR, SPIKE_COIN, SPIKE_HOUR

from klineforge.serving import Warehouse, read_catalogue, read_selection
from klineforge.views.market_pulse import MARKET_PULSE
from klineforge.views.page import Chart, Page, Table
from klineforge.views.pages import build
from klineforge.views.theme import DARK, LIGHT, Theme

AT = END - HOUR


def pulse(lake: Path, theme: Theme = DARK, **query: str) -> Page:
    warehouse = Warehouse(lake)
    selection = read_selection(query, read_catalogue(warehouse)).selection
    page = build(MARKET_PULSE, warehouse, selection, MARKET_PULSE.options(), theme)
    assert isinstance(page, Page)
    return page


def chart(page: Page, key: str) -> Chart:
    return next(block for block in page.blocks() if isinstance(block, Chart) and block.key == key)


def mart(lake: Path, name: str) -> pl.DataFrame:
    return pl.read_delta(str(lake / "marts" / name))


def test_table_of_coins_holds_each_figure_of_the_newest_hour(small_lake: Path) -> None:
    rows = pulse(small_lake, interval="4h").frames()["coins"]

    assert rows["return_24h"].is_sorted(descending=True)
    assert sorted(rows["coin"]) == sorted(COINS)
    for row in rows.iter_rows(named=True):
        closes = dict(
            mart(small_lake, "mart_returns_1h")
            .filter(pl.col("coin") == row["coin"])
            .select("open_timestamp", "close_price")
            .iter_rows()
        )
        assert row["interval_return"] == pytest.approx(closes[AT] / closes[AT - 4 * HOUR] - 1)
        assert row["return_24h"] == pytest.approx(closes[AT] / closes[AT - 24 * HOUR] - 1)
        assert row["spark"] == [closes[hour] for n in range(47, -1, -1) if (hour := AT - n * HOUR) in closes]


def test_correlation_pressure_is_the_mean_over_all_pairs_of_a_coin(small_lake: Path) -> None:
    rows = pulse(small_lake, coins="BTCUSDT,XRPUSDT").frames()["coins"]

    pairs = mart(small_lake, "mart_correlations").filter(pl.col("open_timestamp") == AT)
    for coin, pressure in rows.select("coin", "correlation_pressure").iter_rows():
        mine = pairs.filter((pl.col("base_coin") == coin) | (pl.col("related_coin") == coin))
        assert mine.height == len(COINS) - 1
        assert pressure == pytest.approx(mine["corr_24h"].mean())


def test_range_that_ends_earlier_shows_the_market_as_it_was_then(small_lake: Path) -> None:
    then = SPIKE_HOUR + HOUR
    page = pulse(small_lake, start=f"{then - timedelta(days=3):%Y-%m-%dT%H:00}", end=f"{then:%Y-%m-%dT%H:00}")

    rows = page.frames()["coins"]
    assert f"{SPIKE_HOUR:%Y-%m-%d %H:%M}" in page.subtitle
    assert rows.filter(pl.col("coin") == SPIKE_COIN)["is_volume_spike"].item()
    assert rows.filter(pl.col("coin") == SPIKE_COIN)["volume_spike_ratio"].item() > 5


def test_index_of_the_market_is_of_equal_amounts_set_right_every_hour(small_lake: Path) -> None:
    drawn = chart(pulse(small_lake, range="7d"), "direction").figure

    line = next(trace for trace in drawn.data if trace.name == "Market, equal weights")
    returns = mart(small_lake, "mart_returns_1h").filter(pl.col("open_timestamp") >= END - timedelta(days=7))
    means = returns.group_by("open_timestamp").agg(pl.col("return_pct").mean()).sort("open_timestamp")
    grown = (1 + means["return_pct"].fill_null(0)).cum_prod()
    assert np.allclose(line.y, 100 * grown / grown[0])


def test_strip_compounds_the_returns_of_an_interval(small_lake: Path) -> None:
    strip = pulse(small_lake, interval="1d", range="30d").frames()["heat_strip"]

    day = AT.replace(hour=0) - timedelta(days=1)
    shown = strip.filter((pl.col("coin") == "BTCUSDT") & (pl.col("open_timestamp") == day))["interval_return"].item()
    inside = pl.col("open_timestamp").is_between(day, day + timedelta(days=1), closed="left")
    returns = mart(small_lake, "mart_returns_1h").filter((pl.col("coin") == "BTCUSDT") & inside)
    assert shown == pytest.approx((1 + returns["return_pct"].drop_nulls()).product() - 1)


@pytest.mark.parametrize(("preset", "is_shaded"), [("7d", True), ("30d", False)])
def test_sessions_are_shaded_in_short_ranges_and_the_note_says_when_not(
    small_lake: Path, preset: str, *, is_shaded: bool
) -> None:
    direction = chart(pulse(small_lake, range=preset), "direction")

    names = {trace.name for trace in direction.figure.data}
    assert ({"Asia session", "Europe session", "US session"} <= names) is is_shaded
    assert ("sessions are shaded up to" in direction.note) is not is_shaded


def test_themes_differ_in_colours_and_in_nothing_else(small_lake: Path) -> None:
    dark, light = (pulse(small_lake, theme) for theme in (DARK, LIGHT))

    assert [kpi.text for kpi in dark.kpis] == [kpi.text for kpi in light.kpis]
    assert chart(light, "direction").figure.layout.template.layout.paper_bgcolor == LIGHT.card
    assert chart(dark, "direction").figure.layout.template.layout.paper_bgcolor == DARK.card


@pytest.mark.parametrize("table", ["mart_indicators_1h", "mart_correlations", "mart_market_breadth_1h"])
def test_mart_that_is_missing_is_told_and_the_rest_is_shown(small_lake: Path, tmp_path: Path, table: str) -> None:
    lake = Path(shutil.copytree(small_lake, tmp_path / "lake"))
    shutil.rmtree(lake / "marts" / table)

    page = pulse(lake)

    assert page.sections[0].title == "What is missing"
    assert f"{table} has not been made yet" in page.sections[0].blocks[0].text
    assert page.frames()["coins"].height == len(COINS)
    assert page.kpi("mean_volatility").value is not None


def test_mart_that_ends_before_the_others_is_told(small_lake: Path, tmp_path: Path) -> None:
    lake = Path(shutil.copytree(small_lake, tmp_path / "lake"))
    DeltaTable(lake / "marts" / "mart_indicators_1h").delete(f"open_timestamp >= '{AT:%Y-%m-%d %H:%M:%S}'")

    page = pulse(lake)

    assert f"mart_indicators_1h ends at {AT - HOUR:%Y-%m-%d %H:%M} UTC, before {AT:%Y-%m-%d %H:%M}" in str(
        page.sections[0].blocks[0]
    )
    assert page.kpi("mean_return_24h").value is None


def test_hundred_coins_are_all_in_the_table_and_the_chart_draws_those_that_moved_most(tmp_path: Path) -> None:
    coins = [f"C{number:02}USDT" for number in range(100)]
    _write_many(tmp_path, coins, hours=48)

    page = pulse(tmp_path)

    table = next(block for block in page.blocks() if isinstance(block, Table))
    assert table.frame.height == 100
    lines = [trace for trace in chart(page, "direction").figure.data if trace.mode == "lines"]
    assert len(lines) == 13
    assert "12 of 100 coins" in chart(page, "direction").note
    assert len(chart(page, "heat_strip").figure.data[0].y) == 100


def _write_many(lake: Path, coins: list[str], hours: int) -> None:
    """Returns and listings of many coins, and nothing else."""
    random = np.random.default_rng(5)
    opened = pl.datetime_range(END - hours * HOUR, END, "1h", closed="left", time_unit="us", eager=True)
    frames = []
    for coin in coins:
        close = 10 * np.exp(np.cumsum(random.normal(0, 0.01, hours)))
        frames.append(pl.DataFrame({"coin": coin, "open_timestamp": opened, "close_price": close}))
    previous = pl.col("close_price").shift(1).over("coin")
    rows = pl.concat(frames).with_columns(
        exchange=pl.lit("binance"),
        listing_seq=pl.lit(1, pl.Int32),
        prev_close=previous,
        return_pct=pl.col("close_price") / previous - 1,
        log_return=(pl.col("close_price") / previous).log(),
        rolling_vol_24h=pl.lit(0.01),
        observations_24h=pl.lit(20, pl.Int32),
        volatility_regime=pl.lit("Low"),
        running_peak_price=pl.col("close_price").cum_max().over("coin"),
    )
    peaked = pl.col("close_price") / pl.col("running_peak_price") - 1
    write(lake, "mart_returns_1h", rows.with_columns(drawdown_pct=peaked))
    known = pl.DataFrame({"coin": coins, "base_asset": [coin.removesuffix("USDT") for coin in coins]})
    write(
        lake,
        "dim_coins",
        known.with_columns(
            exchange=pl.lit("binance"),
            listing_seq=pl.lit(1, pl.Int32),
            quote_asset=pl.lit("USDT"),
            market_type=pl.lit("spot"),
            is_current=pl.lit(value=True),
            is_active=pl.lit(value=True),
            listing_source=pl.lit("exchange"),
            valid_from=pl.lit(END - hours * HOUR),
            valid_to=pl.lit(None, pl.Datetime("us", "UTC")),
            predecessor=pl.lit(None, pl.String),
            first_candle=pl.lit(END - hours * HOUR),
            last_candle=pl.lit(AT),
        ),
    )


def test_second_listing_of_a_symbol_has_no_return_since_the_first(small_lake: Path, tmp_path: Path) -> None:
    lake = Path(shutil.copytree(small_lake, tmp_path / "lake"))
    second = (pl.col("coin") == "XRPUSDT") & (pl.col("open_timestamp") >= AT - HOUR)
    rows = pl.read_delta(str(lake / "marts" / "mart_returns_1h"))
    write(
        lake,
        "mart_returns_1h",
        rows.with_columns(
            listing_seq=pl.when(second).then(2).otherwise("listing_seq").cast(pl.Int32),
            close_price=pl.when(second).then(pl.col("close_price") * 1000).otherwise("close_price"),
        ),
    )

    (shown,) = pulse(lake, interval="4h").frames()["coins"].filter(pl.col("coin") == "XRPUSDT").to_dicts()

    assert shown["interval_return"] is None
    assert len(shown["spark"]) == 2


def test_mart_without_rows_is_told_and_the_rest_is_shown(small_lake: Path, tmp_path: Path) -> None:
    lake = Path(shutil.copytree(small_lake, tmp_path / "lake"))
    DeltaTable(lake / "marts" / "mart_indicators_1h").delete()

    page = pulse(lake)

    assert page.sections[0].title == "What is missing"
    assert "mart_indicators_1h" in page.sections[0].blocks[0].text
    assert page.frames()["coins"].height == len(COINS)
