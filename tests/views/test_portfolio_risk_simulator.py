"""Correlation & Portfolio, Risk Management and Investment Simulator against the tables they are about."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from small_lake.lake import write
from small_lake.market import END, HOUR, LATE_COIN, LISTED_AT, START

from klineforge.measures.registry import metrics
from klineforge.measures.risk import value_at_risk
from klineforge.serving.catalogue import read_catalogue
from klineforge.serving.selection import Selection, read_selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views.correlation_portfolio import CORRELATION_PORTFOLIO
from klineforge.views.investment_simulator import INVESTMENT_SIMULATOR
from klineforge.views.page import Chart, Column, Notice, Page, Table, Text
from klineforge.views.pages import View
from klineforge.views.portfolio_figures import PortfolioOptions
from klineforge.views.risk_management import RISK_MANAGEMENT
from klineforge.views.simulator_figures import SimulatorOptions
from klineforge.views.theme import DARK, LIGHT

AT = END - HOUR
VIEWS: tuple[View[Any], ...] = (CORRELATION_PORTFOLIO, RISK_MANAGEMENT, INVESTMENT_SIMULATOR)


@pytest.fixture(scope="module")
def warehouse(small_lake: Path) -> Warehouse:
    return Warehouse(small_lake)


@pytest.fixture(scope="module")
def month(warehouse: Warehouse) -> Selection:
    return read_selection({"coin": "ETHUSDT"}, read_catalogue(warehouse)).selection


def mart(lake: Path, name: str, selection: Selection) -> pl.DataFrame:
    opened = pl.col("open_timestamp")
    return pl.read_delta(str(lake / "marts" / name)).filter(opened >= selection.start, opened < selection.end)


def notices(page: Page) -> str:
    return "\n".join(block.text for block in page.blocks() if isinstance(block, Notice))


def named(page: Page) -> Iterable[str]:
    for kpi in page.kpis:
        yield kpi.metric
    for block in page.blocks():
        if isinstance(block, Chart):
            yield from block.metrics
        columns: tuple[Column, ...] = block.columns if isinstance(block, Chart | Table) else ()
        yield from (column.metric for column in columns if column.metric)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.key)
@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_page_is_drawn_from_its_own_columns_with_known_metrics(
    view: View[Any], theme: Any, warehouse: Warehouse, month: Selection
) -> None:
    page = view.draw(warehouse, month, view.options(), theme)
    assert set(named(page)) <= set(metrics())
    for block in page.blocks():
        if isinstance(block, Chart | Table):
            assert {column.name for column in block.columns} <= set(block.frame.columns), block.key
            assert block.frame.height
        if isinstance(block, Chart):
            assert len(block.alt) > 30
            block.figure.to_json()
    assert notices(page) == ""


def test_correlations_are_those_of_the_newest_hour(warehouse: Warehouse, month: Selection, small_lake: Path) -> None:
    page = CORRELATION_PORTFOLIO.draw(warehouse, month, PortfolioOptions(), DARK)
    now = mart(small_lake, "mart_correlations", month).filter(pl.col("open_timestamp") == AT)["corr_24h"].to_numpy()
    assert page.kpi("mean_correlation").value == pytest.approx(now.mean())
    assert page.kpi("max_correlation").value == pytest.approx(now.max())
    assert page.kpi("diversification_score").value == pytest.approx(1 - np.abs(now).mean())
    assert page.frames()["heat_map"].height == len(now) == 10


def test_correlations_of_the_range_are_means_of_all_its_hours(
    warehouse: Warehouse, month: Selection, small_lake: Path
) -> None:
    page = CORRELATION_PORTFOLIO.draw(warehouse, month, PortfolioOptions(basis="range", threshold=0.39), DARK)
    means = mart(small_lake, "mart_correlations", month).group_by("base_coin", "related_coin").agg(
        pl.col("corr_24h").mean(), pl.col("corr_breakdown_alerts").sum()
    )  # fmt: skip
    assert page.kpi("mean_correlation").value == pytest.approx(means["corr_24h"].mean())
    shown = page.frames()["heat_map"].sort("base_coin", "related_coin")
    wanted = means.sort("base_coin", "related_coin")
    assert shown["correlation"].to_list() == pytest.approx(wanted["corr_24h"].to_list())
    assert shown["breakdowns"].to_list() == wanted["corr_breakdown_alerts"].to_list()
    assert page.frames()["network"].height == (wanted["corr_24h"].abs() >= 0.39).sum() > 0


def test_risk_of_weights_is_that_of_their_returns(warehouse: Warehouse, month: Selection, small_lake: Path) -> None:
    options = PortfolioOptions(weights=(("BTCUSDT", 3.0), ("ETHUSDT", 1.0)))
    page = CORRELATION_PORTFOLIO.draw(warehouse, month, options, DARK)
    wide = mart(small_lake, "mart_returns_1h", month).pivot(on="coin", index="open_timestamp", values="return_pct")
    both = wide.select("BTCUSDT", "ETHUSDT").drop_nulls().to_numpy()
    held = both @ np.array([0.75, 0.25])
    assert page.kpi("portfolio_volatility").value == pytest.approx(held.std(ddof=1) * np.sqrt(8760))
    assert page.kpi("weight_concentration").value == pytest.approx(0.625)
    shares = dict(page.frames()["risk_of_weights"].select("coin", "risk_contribution").iter_rows())
    btc = 0.75 * np.cov(both[:, 0], held)[0, 1] / held.var(ddof=1)
    assert shares == pytest.approx({"BTCUSDT": btc, "ETHUSDT": 1 - btc})


def test_pair_and_weights_that_are_not_there_are_told(warehouse: Warehouse, month: Selection) -> None:
    options = PortfolioOptions(pair=("NOPE", "BTCUSDT"), weights=(("NOPE", 1.0),))
    page = CORRELATION_PORTFOLIO.draw(warehouse, month, options, DARK)
    assert "NOPE and BTCUSDT has no correlation" in notices(page)
    assert "No correlations of NOPE" in notices(page)
    assert page.frames()["risk_of_weights"].height == 5


def test_pair_over_time_is_the_mart(warehouse: Warehouse, month: Selection, small_lake: Path) -> None:
    page = CORRELATION_PORTFOLIO.draw(warehouse, month, PortfolioOptions(pair=("XRPUSDT", "ADAUSDT")), DARK)
    rows = mart(small_lake, "mart_correlations", month).filter(
        pl.col("base_coin") == "ADAUSDT", pl.col("related_coin") == "XRPUSDT"
    )
    shown = page.frames()["pair_over_time"].sort("open_timestamp")
    assert shown["corr_24h"].to_list() == rows.sort("open_timestamp")["corr_24h"].to_list()


def test_risk_is_that_of_the_mart(warehouse: Warehouse, month: Selection, small_lake: Path) -> None:
    page = RISK_MANAGEMENT.draw(warehouse, month, RISK_MANAGEMENT.options(), DARK)
    rows = mart(small_lake, "mart_returns_1h", month)
    high = (rows["drawdown_pct"] <= -0.5) | (rows["volatility_regime"] == "High").fill_null(value=False)
    assert page.kpi("worst_drawdown").value == rows["drawdown_pct"].min()
    assert page.kpi("risk_state_share").value == pytest.approx(high.mean())
    assert page.kpi("risk_state").value == ("High" if high.filter(rows["open_timestamp"] == AT).any() else "Low")
    counts = dict(page.frames()["risk_states"].select("risk_state", "count").iter_rows())
    assert counts == {"High": int(high.sum()), "Low": rows.height - int(high.sum())}
    eth = rows.filter(pl.col("coin") == "ETHUSDT")
    returns = eth["return_pct"].drop_nulls().to_numpy()
    told = page.frames()["coin_risk"].row(by_predicate=pl.col("coin") == "ETHUSDT", named=True)
    assert told["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(8760))
    assert told["var_99"] == pytest.approx(-np.percentile(returns, 1))
    assert told["drawdown_pct"] == eth.sort("open_timestamp")["drawdown_pct"][-1]
    assert told["hours"] == len(returns)
    beta = mart(small_lake, "mart_indicators_1h", month).row(
        by_predicate=(pl.col("coin") == "ETHUSDT") & (pl.col("open_timestamp") == AT), named=True
    )
    assert told["beta_720h"] == beta["beta_720h"]


def test_deepest_falls_are_those_of_the_coin_in_focus(warehouse: Warehouse, month: Selection, small_lake: Path) -> None:
    page = RISK_MANAGEMENT.draw(warehouse, month, RISK_MANAGEMENT.options(), DARK)
    closes = mart(small_lake, "mart_returns_1h", month).filter(pl.col("coin") == "ETHUSDT").sort("open_timestamp")
    deepest = (closes["close_price"] / closes["close_price"].cum_max() - 1).min()
    falls = page.frames()["deepest_falls"]
    assert falls["depth"][0] == pytest.approx(deepest)
    assert falls["depth"].is_sorted()
    assert (falls["trough"] > falls["peak"]).all()


def test_single_purchase_is_units_times_price(warehouse: Warehouse, month: Selection, small_lake: Path) -> None:
    page = INVESTMENT_SIMULATOR.draw(warehouse, month, SimulatorOptions(amount=500.0, fee=0.01), DARK)
    closes = mart(small_lake, "mart_returns_1h", month).filter(pl.col("coin") == "ETHUSDT").sort("open_timestamp")
    final = 495.0 / closes["close_price"][0] * closes["close_price"][-1]
    assert page.kpi("final_value").value == pytest.approx(final)
    assert page.kpi("net_pnl").value == pytest.approx(final - 500)
    assert page.kpi("fees_paid").value == pytest.approx(5.0)
    text = next(block.markdown for block in page.blocks() if isinstance(block, Text))
    assert f"{final:,.2f} USDT" in text
    assert ("net loss" in text) == (final < 500)


def test_basket_waits_for_a_late_coin_and_says_so(warehouse: Warehouse, month: Selection) -> None:
    whole = replace(month, start=START, end=END, preset=None)
    options = SimulatorOptions(every="1w", weights=(("BTCUSDT", 1.0), (LATE_COIN, 1.0), ("NOPE", 1.0)))
    page = INVESTMENT_SIMULATOR.draw(warehouse, whole, options, DARK)
    assert f"{LATE_COIN} has its first candle at {LISTED_AT:%Y-%m-%d %H:%M}" in notices(page)
    assert "Not in this lake and left out: NOPE" in notices(page)
    assert page.kpi("money_weighted_return").value is not None
    assert page.kpi("initial_investment").value == 1000.0
    assert page.frames()["holdings"]["value"].sum() == pytest.approx(page.kpi("final_value").value)


def test_range_without_candles_explains(warehouse: Warehouse, month: Selection) -> None:
    from klineforge.serving.explanation import Explanation
    from klineforge.views.pages import build

    early = replace(month, start=START - 48 * HOUR, end=START - 24 * HOUR, preset=None)
    for view in VIEWS:
        told = build(view, warehouse, early, view.options(), DARK)
        assert isinstance(told, Explanation), view.key
        assert told.reason == "nothing_selected"


def test_second_listing_of_a_symbol_is_another_asset(small_lake: Path, tmp_path: Path, month: Selection) -> None:
    lake = Path(shutil.copytree(small_lake, tmp_path / "lake"))
    again = END - 18 * 24 * HOUR
    rows = pl.read_delta(str(lake / "marts" / "mart_returns_1h"))
    second = (pl.col("coin") == "XRPUSDT") & (pl.col("open_timestamp") >= again)
    first_hour = (pl.col("coin") == "XRPUSDT") & (pl.col("open_timestamp") == again)
    before = (pl.col("coin") == "XRPUSDT") & (pl.col("open_timestamp") < again)
    renamed = rows.with_columns(
        listing_seq=pl.when(second).then(2).otherwise("listing_seq").cast(pl.Int32),
        close_price=pl.when(second).then(pl.col("close_price") * 1000).otherwise("close_price"),
        return_pct=pl.when(first_hour).then(None).when(before).then(-0.01).otherwise("return_pct"),
    )
    write(lake, "mart_returns_1h", renamed)

    page = RISK_MANAGEMENT.draw(Warehouse(lake), month, RISK_MANAGEMENT.options(), DARK)

    (shown,) = page.frames()["coin_risk"].filter(pl.col("coin") == "XRPUSDT").to_dicts()
    mine = renamed.filter(second, pl.col("open_timestamp") < month.end)["return_pct"]
    assert shown["var_95"] == pytest.approx(value_at_risk(mine.drop_nulls().to_numpy(), 0.95))


def test_coins_without_any_regime_are_shown(small_lake: Path, tmp_path: Path, month: Selection) -> None:
    lake = Path(shutil.copytree(small_lake, tmp_path / "lake"))
    rows = pl.read_delta(str(lake / "marts" / "mart_returns_1h"))
    write(lake, "mart_returns_1h", rows.with_columns(volatility_regime=pl.lit(None, pl.String)))

    page = RISK_MANAGEMENT.draw(Warehouse(lake), month, RISK_MANAGEMENT.options(), DARK)

    assert page.frames()["coin_risk"]["volatility_regime"].null_count() == 5


def test_money_that_waits_is_in_the_holdings_and_pays_no_fee(warehouse: Warehouse, month: Selection) -> None:
    early = replace(month, start=START, end=LISTED_AT - HOUR, preset=None)
    options = SimulatorOptions(weights=(("BTCUSDT", 1.0), (LATE_COIN, 1.0)), fee=0.01)
    page = INVESTMENT_SIMULATOR.draw(warehouse, early, options, DARK)
    assert page.kpi("fees_paid").value == pytest.approx(5.0)
    assert page.frames()["holdings"]["value"].sum() == pytest.approx(page.kpi("final_value").value)


def test_reference_without_a_candle_in_the_range_is_not_drawn(
    small_lake: Path, tmp_path: Path, month: Selection
) -> None:
    lake = Path(shutil.copytree(small_lake, tmp_path / "lake"))
    rows = pl.read_delta(str(lake / "marts" / "mart_returns_1h"))
    write(
        lake, "mart_returns_1h", rows.filter((pl.col("coin") != "BTCUSDT") | (pl.col("open_timestamp") < month.start))
    )

    page = INVESTMENT_SIMULATOR.draw(Warehouse(lake), month, INVESTMENT_SIMULATOR.options(), DARK)

    assert "BTCUSDT has no candle in this range: there is nothing to compare with" in notices(page)


def test_usual_pair_is_the_one_that_moves_together_most(small_lake: Path, tmp_path: Path, month: Selection) -> None:
    lake = Path(shutil.copytree(small_lake, tmp_path / "lake"))
    rows = pl.read_delta(str(lake / "marts" / "mart_correlations"))
    against = (pl.col("base_coin") == "ADAUSDT") & (pl.col("related_coin") == "XRPUSDT")
    write(
        lake,
        "mart_correlations",
        rows.with_columns(corr_24h=pl.when(against).then(-0.999).otherwise(pl.col("corr_24h") / 2)),
    )

    page = CORRELATION_PORTFOLIO.draw(Warehouse(lake), month, CORRELATION_PORTFOLIO.options(), DARK)

    best = mart(lake, "mart_correlations", month).filter(pl.col("open_timestamp") == AT)["corr_24h"].max()
    shown = page.frames()["pair_over_time"].filter(pl.col("open_timestamp") == AT)
    assert shown["corr_24h"].to_list() == [best]


def test_network_names_lines_by_the_correlations_that_they_begin_with(warehouse: Warehouse, month: Selection) -> None:
    page = CORRELATION_PORTFOLIO.draw(warehouse, month, PortfolioOptions(threshold=0.55), DARK)
    (network,) = [block for block in page.blocks() if isinstance(block, Chart) and "network" in block.key]
    names = {trace.name for trace in network.figure.data if trace.mode == "lines"}
    assert names == {"together, from 0.55"}
