"""What each page shows in a real browser, what can be taken away from it, and whether everybody can use it."""

from __future__ import annotations

import io

import polars as pl
import pytest
from app.browsing import PATIENCE, Seen, Served, needs_chromium, sync_api
from small_lake.market import END, HOUR

from klineforge.app.pages import PAGES
from klineforge.domain.writing import written

pytestmark = needs_chromium
KEYS = [page.view.key for page in PAGES]
LAST_WEEK = pl.col("open_timestamp").is_between(END - 7 * 24 * HOUR, END, closed="left")
NEWEST = pl.col("open_timestamp") == END - HOUR
# Names of everything that can be clicked or filled in, as a screen reader finds them.
NAMELESS = """() => [...document.querySelectorAll('button, input, a[href], [role=combobox], [role=slider]')]
    .filter(it => it.checkVisibility() && it.type !== 'hidden' && it.tabIndex >= 0)
    .filter(it => !(it.innerText || it.getAttribute('aria-label') || it.title || it.placeholder
        || (it.labels && it.labels.length && it.labels[0].innerText)
        || (it.getAttribute('aria-labelledby') && document.getElementById(it.getAttribute('aria-labelledby')))
        || it.querySelector('img[alt], svg title')))
    .map(it => it.outerHTML.slice(0, 200))"""
# Contrast of a text with what is behind it, as WCAG 2 defines it.
CONTRAST = """element => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    let behind = element;
    while (behind && (numbers(getComputedStyle(behind).backgroundColor)[3] ?? 1) < 1) behind = behind.parentElement;
    const light = colour => numbers(colour).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const text = light(getComputedStyle(element).color), ground = light(getComputedStyle(behind).backgroundColor);
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
}"""


def mart(served: Served, name: str) -> pl.DataFrame:
    return pl.read_delta(str(served.lake / "marts" / name))


def expected_figures(served: Served, key: str) -> dict[str, str]:
    """Two figures of a page, straight from the marts; over the last seven days where they are over a range."""
    returns, indicators = mart(served, "mart_returns_1h"), mart(served, "mart_indicators_1h")
    pairs = mart(served, "mart_correlations").filter(NEWEST)["corr_24h"]
    week = returns.filter(LAST_WEEK)
    match key:
        case "market_pulse":
            change = indicators.filter(NEWEST)["return_24h"].mean()
            return {
                "Avg 24h return": written(change, "signed_percent"),
                "Avg correlation": written(pairs.mean(), "correlation"),
            }
        case "correlation_portfolio":
            return {
                "Avg correlation": written(pairs.mean(), "correlation"),
                "Diversification": written(1 - pairs.abs().mean(), "percent"),  # type: ignore[operator]
            }
        case "risk_management":
            high = (week["drawdown_pct"] <= -0.5) | (week["volatility_regime"] == "High").fill_null(value=False)
            return {
                "Worst drawdown": written(week["drawdown_pct"].min(), "percent"),
                "Hours at high risk": written(high.mean(), "percent"),
            }
        case "investment_simulator":
            closes = week.filter(pl.col("coin") == "BTCUSDT").sort("open_timestamp")["close_price"]
            final = 1000 * (1 - 0.001) / closes[0] * closes[-1]
            return {"Final value": written(final, "money"), "Fees": written(1.0, "money")}
        case _:
            price = returns.filter(NEWEST, pl.col("coin") == "BTCUSDT")["close_price"][0]
            return {"Last price": written(price, "price")}


@pytest.mark.parametrize("key", KEYS)
def test_figures_of_each_page_are_those_of_the_marts(seen: Seen, served: Served, key: str) -> None:
    seen.open(served, f"{'' if key == KEYS[0] else key}?range=7d&coin=BTCUSDT")

    expected = expected_figures(served, key)
    assert seen.shows(expected), (expected, seen.figures())
    assert seen.page.evaluate(NAMELESS) == []
    assert seen.errors == []


def test_downloads_hold_the_rows_that_are_shown(seen: Seen, served: Served) -> None:
    seen.open(served, "risk_management?range=7d")
    block = seen.page.locator("[class*='st-key-block-risk_management-coin_risk']")
    files = {}

    for kind in ("CSV", "Parquet"):
        block.get_by_role("button", name="Data").first.click()
        with seen.page.expect_download(timeout=PATIENCE) as download:
            seen.page.get_by_role("button", name=f"Download {kind}").first.click()
        files[kind] = (download.value.suggested_filename, download.value.path().read_bytes())
        seen.page.keyboard.press("Escape")

    assert files["CSV"][0] == "klineforge_risk_management_coin_risk.csv"
    csv, parquet = pl.read_csv(io.BytesIO(files["CSV"][1])), pl.read_parquet(io.BytesIO(files["Parquet"][1]))
    assert csv.columns == parquet.columns
    assert csv["coin"].to_list() == parquet["coin"].to_list()
    newest = mart(served, "mart_returns_1h").filter(NEWEST)
    drawdowns = dict(newest.select("coin", "drawdown_pct").iter_rows())
    assert dict(parquet.select("coin", "drawdown_pct").iter_rows()) == drawdowns


def test_chart_is_there_as_a_table_too(seen: Seen, served: Served) -> None:
    seen.open(served, "correlation_portfolio?range=7d")
    block = seen.page.locator("[class*='st-key-block-correlation_portfolio-']").first
    block.locator(".js-plotly-plot").first.wait_for(timeout=PATIENCE)

    block.get_by_role("button", name="Data").first.click()
    seen.page.get_by_text("Show as a table").first.click()

    block.get_by_test_id("stDataFrame").wait_for(timeout=PATIENCE)
    assert block.locator(".js-plotly-plot").count() == 0


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_coins_that_were_chosen_can_be_read(browser: sync_api.Browser, served: Served, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1400, "height": 1000})
    drawn = Seen(context.new_page())
    drawn.open(served, "investment_simulator?weights=BTCUSDT:1,ETHUSDT:1")

    chip = drawn.page.locator("[data-testid='stMultiSelect'] [data-tag] [title='BTC/USDT']:visible").first
    chip.wait_for(timeout=PATIENCE)
    assert chip.evaluate(CONTRAST) >= 4.5
    context.close()
