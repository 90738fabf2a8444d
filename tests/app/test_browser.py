"""The dashboard in a real browser: console, figures as in the marts, controls, the URL, a lake that breaks."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from app.browsing import PATIENCE, Seen, Served, needs_chromium, sync_api
from small_lake.market import END, HOUR

from klineforge.app.pages import PAGES
from klineforge.domain.writing import written

pytestmark = needs_chromium
KEYS = [page.view.key for page in PAGES]


def at_the_end(lake: Path, name: str, coin: str) -> dict[str, float]:
    rows = pl.read_delta(str(lake / "marts" / name))
    found: dict[str, float] = rows.row(
        by_predicate=(pl.col("coin") == coin) & (pl.col("open_timestamp") == END - HOUR), named=True
    )
    return found


@pytest.mark.parametrize("key", KEYS)
def test_page_opens_without_errors_and_its_charts_are_drawn(seen: Seen, served: Served, key: str) -> None:
    seen.open(served, "" if key == KEYS[0] else key)

    seen.page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=PATIENCE)
    assert seen.page.get_by_test_id("stException").count() == 0
    assert len(seen.figures()) >= 4
    assert seen.errors == []


def test_figures_on_screen_equal_the_marts_and_survive_a_reload(seen: Seen, served: Served) -> None:
    seen.open(served, "coin_deep_dive?coin=XRPUSDT&range=7d&interval=4h")

    returns = at_the_end(served.lake, "mart_returns_1h", "XRPUSDT")
    indicators = at_the_end(served.lake, "mart_indicators_1h", "XRPUSDT")
    expected = {
        "Last price": written(returns["close_price"], "price"),
        "24h return": written(indicators["return_24h"], "signed_percent"),
        "RSI (14)": written(indicators["rsi_14"], "number"),
        "Volatility 24h": written(returns["rolling_vol_24h"], "percent"),
    }
    assert seen.shows(expected), seen.figures()

    link = seen.page.url
    seen.page.reload()
    seen.settle()

    assert seen.page.url == link
    assert seen.query == {"exchange": "binance", "coin": "XRPUSDT", "interval": "4h", "range": "7d"}
    assert seen.shows(expected), seen.figures()


def test_controls_change_the_page_and_its_link_and_other_pages_keep_them(seen: Seen, served: Served) -> None:
    seen.open(served, "coin_deep_dive")
    sidebar = seen.page.get_by_test_id("stSidebar")

    sidebar.get_by_role("radio", name="7 days").click()
    sidebar.get_by_role("combobox", name=re.compile("Coin in focus")).click()
    seen.page.get_by_role("option", name="ETH/USDT").click()
    seen.page.get_by_role("heading", name="Deep Dive: ETH/USDT").wait_for(timeout=PATIENCE)

    assert seen.query["coin"] == "ETHUSDT"
    assert seen.query["range"] == "7d"
    close = at_the_end(served.lake, "mart_returns_1h", "ETHUSDT")["close_price"]
    assert seen.shows({"Last price": written(close, "price")}), seen.figures()

    sidebar.get_by_role("link", name="Market Pulse").click()
    seen.page.get_by_role("heading", name="Market Pulse").wait_for(timeout=PATIENCE)
    seen.settle()
    assert seen.query["coin"] == "ETHUSDT"
    assert seen.query["range"] == "7d"


def test_coin_chosen_on_market_pulse_leads_to_its_own_page(seen: Seen, served: Served) -> None:
    seen.open(served, "?range=7d")
    table = seen.page.get_by_test_id("stDataFrame").first
    table.wait_for(timeout=PATIENCE)
    # The coin with the highest return is in the first row; the table is drawn on a canvas, which has no elements.
    returns = pl.read_delta(str(served.lake / "marts" / "mart_indicators_1h"))
    newest = returns.filter(pl.col("open_timestamp") == END - HOUR).sort("return_24h", descending=True)
    best = newest["coin"][0].removesuffix("USDT")

    table.click(position={"x": 90, "y": 52})

    seen.page.get_by_role("heading", name=f"Deep Dive: {best}/USDT").wait_for(timeout=PATIENCE)
    seen.settle()
    assert seen.query["coin"] == f"{best}USDT"
    assert seen.query["range"] == "7d"


def test_page_on_a_phone_in_light_colours_fits_its_width(browser: sync_api.Browser, served: Served) -> None:
    context = browser.new_context(color_scheme="light", viewport={"width": 390, "height": 800}, has_touch=True)
    phone = Seen(context.new_page())
    phone.open(served, "")

    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    background = phone.page.get_by_test_id("stApp").evaluate("element => getComputedStyle(element).backgroundColor")
    assert background == "rgb(246, 248, 250)"
    context.close()


def test_lake_taken_away_under_the_page_is_explained_and_comes_back(seen: Seen, served: Served, tmp_path: Path) -> None:
    seen.open(served, "")
    away = tmp_path / "away"
    shutil.move(served.lake, away)
    try:
        seen.page.reload()
        seen.page.get_by_text("There is no lake at").first.wait_for(timeout=PATIENCE)
        assert seen.page.get_by_test_id("stException").count() == 0
    finally:
        shutil.move(away, served.lake)
    seen.page.reload()
    seen.page.get_by_test_id("stMetric").first.wait_for(timeout=PATIENCE)
    assert seen.errors == []
