"""The dashboard in a real browser: console, figures as in the marts, controls, the URL, a lake that breaks."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from small_lake.market import END, HOUR

from klineforge.app.launch import LAKE_VARIABLE, free_port, server_command
from klineforge.app.pages import PAGES
from klineforge.domain.writing import written

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = os.environ.get("KLINEFORGE_CHROMIUM") or shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium: install Debian's package chromium, or name one in KLINEFORGE_CHROMIUM"
)
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Streamlit looks for itself below the page's own path first; the browser reports that as an error of two requests.
OWN_PATH = re.compile(r"/[a-z_]+/_stcore/(health|host-config)$")
PATIENCE = 30_000
KEYS = [page.view.key for page in PAGES]


@dataclass
class Served:
    """A running dashboard and the lake under it."""

    url: str
    lake: Path


@dataclass
class Seen:
    """A page in the browser, and what went wrong on it."""

    page: sync_api.Page
    errors: list[str] = field(default_factory=list)

    def open(self, served: Served, path: str) -> None:
        self.page.goto(f"{served.url}/{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page has been drawn."""
        self.page.locator("h1").first.wait_for(timeout=PATIENCE)
        self.page.locator("[data-testid='stApp'][data-test-script-state='notRunning']").wait_for(timeout=PATIENCE)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def shows(self, expected: dict[str, str]) -> bool:
        """Whether figures are on screen, or come within a while: they are drawn one after another."""
        for _ in range(PATIENCE // 250):
            if expected.items() <= self.figures().items():
                return True
            self.page.wait_for_timeout(250)
        return False

    def figures(self) -> dict[str, str]:
        self.page.get_by_test_id("stMetricValue").first.wait_for(timeout=PATIENCE)
        cards = self.page.get_by_test_id("stMetric").all()
        return {
            card.get_by_test_id("stMetricLabel").inner_text().strip(): card.get_by_test_id("stMetricValue")
            .inner_text()
            .strip()
            for card in cards
        }


@pytest.fixture(scope="module")
def served(small_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    lake = Path(shutil.copytree(small_lake, folder / "lake"))
    port = free_port("127.0.0.1", 0)
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            server_command("127.0.0.1", port), env={**os.environ, LAKE_VARIABLE: str(lake)}, stdout=log, stderr=log
        )
        try:
            _wait_for(port, server, folder / "server.log")
            yield Served(f"http://127.0.0.1:{port}", lake)
        finally:
            server.terminate()
            server.wait(10)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(150):
        if server.poll() is not None:
            pytest.fail(f"the server has ended: {log.read_text()}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"nothing listens after half a minute: {log.read_text()}")


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield opened
        opened.close()


@pytest.fixture
def seen(browser: sync_api.Browser) -> Iterator[Seen]:
    context = browser.new_context(color_scheme="dark", viewport={"width": 1400, "height": 1000}, locale="en-GB")
    watched = Seen(context.new_page())
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    watched.page.on("console", lambda message: _note_console(watched, message))
    watched.page.on("request", lambda request: _note_request(watched, request.url))
    yield watched
    context.close()


def _note_console(watched: Seen, message: sync_api.ConsoleMessage) -> None:
    place = str(message.location.get("url", ""))
    if message.type == "error" and not OWN_PATH.search(place):
        watched.errors.append(f"{message.text} ({place})")


def _note_request(watched: Seen, url: str) -> None:
    if urlsplit(url).scheme in {"http", "https"} and urlsplit(url).hostname != "127.0.0.1":
        watched.errors.append(f"asked another host: {url}")


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
