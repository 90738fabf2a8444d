"""Pages as Streamlit draws them, without a browser: figures, controls and the URL, lakes that are late or broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from small_lake.lake import mark, report, write
from small_lake.market import END, HOUR
from streamlit.testing.v1 import AppTest

from klineforge.app.pages import PAGES
from klineforge.domain.writing import written

Open = Callable[..., AppTest]
KEYS = [page.view.key for page in PAGES]
AT = END - HOUR


def figures(page: AppTest) -> dict[str, str]:
    """What is written in the figures at the head of a page."""
    return {metric.label: metric.value for metric in page.metric}


def told(page: AppTest) -> str:
    """Everything the page warns of."""
    return "\n".join(element.value for element in (*page.info, *page.warning, *page.error)).replace("\\", "")


def mart(lake: Path, name: str) -> pl.DataFrame:
    return pl.read_delta(str(lake / "marts" / name)).filter(pl.col("open_timestamp") == AT)


@pytest.mark.parametrize("key", KEYS)
def test_page_opens_with_figures_headings_and_charts_told_in_text(open_page: Open, key: str) -> None:
    page = open_page(key)

    assert not page.exception
    assert not page.error
    assert len(page.title) == 1
    assert page.header
    assert len(page.metric) >= 4
    assert all(metric.value for metric in page.metric)
    texts = [chart.proto.alt for chart in page.get("plotly_chart")]
    assert texts
    assert all(len(text) > 20 and "nothing to draw" not in text for text in texts)


def test_market_pulse_shows_what_the_marts_hold(open_page: Open, small_lake: Path) -> None:
    shown = figures(open_page("market_pulse"))

    returns = mart(small_lake, "mart_indicators_1h")["return_24h"]
    assert shown["Avg 24h return"] == written(returns.mean(), "signed_percent")
    assert shown["Avg volatility"] == written(mart(small_lake, "mart_returns_1h")["rolling_vol_24h"].mean(), "percent")
    assert shown["Avg correlation"] == written(mart(small_lake, "mart_correlations")["corr_24h"].mean(), "correlation")


def test_coin_deep_dive_shows_what_the_marts_hold(open_page: Open, small_lake: Path) -> None:
    page = open_page("coin_deep_dive", coin="XRPUSDT")

    indicators = mart(small_lake, "mart_indicators_1h").row(by_predicate=pl.col("coin") == "XRPUSDT", named=True)
    returns = mart(small_lake, "mart_returns_1h").row(by_predicate=pl.col("coin") == "XRPUSDT", named=True)
    shown = figures(page)
    assert page.title[0].value == "Deep Dive: XRP/USDT"
    assert shown["Last price"] == written(returns["close_price"], "price")
    assert shown["24h return"] == written(indicators["return_24h"], "signed_percent")
    assert shown["VWAP deviation"] == written(indicators["vwap_deviation"], "signed_percent")
    assert shown["RSI (14)"] == written(indicators["rsi_14"], "number")
    assert shown["Volatility 24h"] == written(returns["rolling_vol_24h"], "percent")
    assert shown["Trend persistence"] == written(indicators["trend_run_hours"], "hours")


@pytest.mark.parametrize("key", KEYS)
def test_controls_change_the_url_and_the_page(open_page: Open, key: str) -> None:
    page = open_page(key)

    page.selectbox(key="w_coin").select("ETHUSDT").run()
    page.multiselect(key="w_coins").set_value(["BTCUSDT", "ETHUSDT"]).run()
    page.segmented_control(key="w_interval").set_value("4h").run()
    page.segmented_control(key="w_range").set_value("7d").run()

    assert not page.exception
    assert page.query_params["coin"] == "ETHUSDT"
    assert page.query_params["coins"] == "BTCUSDT,ETHUSDT"
    assert page.query_params["interval"] == "4h"
    assert page.query_params["range"] == "7d"


@pytest.mark.parametrize("key", KEYS)
def test_url_sets_the_controls(open_page: Open, key: str) -> None:
    query = {
        "coin": "ADAUSDT",
        "coins": "ADAUSDT,XRPUSDT",
        "interval": "1d",
        "start": "2026-02-01",
        "end": "2026-02-15",
    }

    page = open_page(key, **query)

    assert page.selectbox(key="w_coin").value == "ADAUSDT"
    assert page.multiselect(key="w_coins").value == ["ADAUSDT", "XRPUSDT"]
    assert page.segmented_control(key="w_interval").value == "1d"
    assert page.segmented_control(key="w_range").value == "custom"
    assert [f"{day}" for day in page.date_input(key="w_dates").value] == ["2026-02-01", "2026-02-14"]


def test_url_that_makes_no_sense_is_remarked_upon(open_page: Open) -> None:
    page = open_page("coin_deep_dive", coin="NOPE", interval="3h")

    assert not page.exception
    assert "'NOPE'" in told(page)
    assert "'3h'" in told(page)


def test_lake_that_is_late_and_simulated_and_has_errors_says_so(open_page: Open, lake: Path) -> None:
    report(lake, {"unique_key": "error"})

    warned = told(open_page("market_pulse", lake))

    assert "Simulated market" in warned
    assert "The data are late" in warned
    assert "mart_returns_1h" in warned
    assert "unique_key" in warned


def test_lake_of_a_real_market_without_errors_warns_only_of_its_age(open_page: Open, lake: Path) -> None:
    mark(lake, "binance")

    warned = told(open_page("market_pulse", lake))

    assert "Simulated" not in warned
    assert "Figures may be wrong" not in warned


def _remove(lake: Path) -> None:
    shutil.rmtree(lake)


def _empty(lake: Path) -> None:
    for table in ("mart_returns_1h", "mart_volume_metrics_1h", "mart_indicators_1h"):
        DeltaTable(lake / "marts" / table).delete()
    DeltaTable(lake / "silver" / "fact_1h_klines").delete()


def _corrupt(lake: Path) -> None:
    for layer in ("marts", "silver"):
        for file in (lake / layer).rglob("*.parquet"):
            if file.parent.name != "_delta_log":
                file.write_bytes(b"PAR1 nothing")


@pytest.mark.parametrize("harm", [_remove, _empty, _corrupt])
@pytest.mark.parametrize("key", KEYS)
def test_lake_harmed_under_the_page_explains(
    open_page: Open, lake: Path, key: str, harm: Callable[[Path], None]
) -> None:
    page = open_page(key, lake)
    assert page.metric
    harm(lake)

    # Other coins: those that were shown would still be at hand where only files are harmed.
    page.query_params["coin"] = "ADAUSDT"
    page.query_params["coins"] = "ADAUSDT,XRPUSDT"
    page.run()

    assert not page.exception
    assert not page.metric
    assert "What to do:" in told(page)
    assert "fault of KlineForge" not in told(page)


def test_lake_that_gets_another_hour_is_followed_without_restart(open_page: Open, lake: Path) -> None:
    page = open_page("coin_deep_dive", lake)
    for layer, table in (
        ("silver", "fact_1h_klines"),
        ("marts", "mart_returns_1h"),
        ("marts", "mart_volume_metrics_1h"),
        ("marts", "mart_indicators_1h"),
    ):
        rows = pl.read_delta(str(lake / layer / table)).drop("year").filter(pl.col("open_timestamp") == AT)
        later = rows.with_columns(pl.col("open_timestamp") + HOUR, pl.col("close_price") * 2)
        write(lake, table, later.with_columns(pl.col("^high_price$") * 2), mode="append")

    before = figures(page)["Last price"]
    page.run()

    close = mart(lake, "mart_returns_1h").row(by_predicate=pl.col("coin") == "BTCUSDT", named=True)["close_price"]
    assert before == written(close, "price")
    assert figures(page)["Last price"] == written(2 * close, "price")


def test_mart_that_is_missing_leaves_the_rest_of_the_page(open_page: Open, lake: Path) -> None:
    shutil.rmtree(lake / "marts" / "mart_indicators_1h")

    page = open_page("coin_deep_dive", lake)

    assert figures(page)["RSI (14)"] == "-"
    assert figures(page)["Last price"] != "-"
    assert "mart_indicators_1h has not been made yet" in told(page)
