"""The dashboard served to a real browser."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from processes import running, wait_for_port

from klineforge.app.launch import LAKE_VARIABLE, free_port, server_command

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = os.environ.get("KLINEFORGE_CHROMIUM") or shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
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
    said = folder / "server.log"
    with running(server_command("127.0.0.1", port), said, env={**os.environ, LAKE_VARIABLE: str(lake)}) as server:
        wait_for_port(port, server, said)
        yield Served(f"http://127.0.0.1:{port}", lake)


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
