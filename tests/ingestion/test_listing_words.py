"""What a run says of the exchange's listing."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from klineforge.domain.parameters import parse_ingestion_parameters
from klineforge.exchanges.binance.market import DIALECT, BinanceMarket, Listing
from klineforge.exchanges.binance.parse import ListedSymbol
from klineforge.exchanges.coverage import Coverage
from klineforge.exchanges.http import HttpClient
from klineforge.exchanges.landing import LandingZone
from klineforge.pipelines.ingestion.nodes import snapshot_listing


def listed(symbol: str, status: str) -> ListedSymbol:
    return ListedSymbol(symbol, status, symbol.removesuffix("USDT"), "USDT", f'{{"symbol": "{symbol}"}}')


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("TRADING", []),
        ("BREAK", ["listed, but not traded now: MATICUSDT (BREAK)"]),
        ("NEVER_HEARD_OF", ["listed, but not traded now: MATICUSDT (NEVER_HEARD_OF)"]),
    ],
)
def test_coins_that_are_listed_but_not_traded_are_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    status: str,
    said: list[str],
) -> None:
    market = BinanceMarket(HttpClient(DIALECT), None, "http://127.0.0.1:9")
    answer = Listing((listed("BTCUSDT", "TRADING"), listed("MATICUSDT", status)), "", datetime(2026, 3, 1, tzinfo=UTC))
    monkeypatch.setattr(market, "listing", lambda _: answer)
    request = parse_ingestion_parameters(
        {"coins": "BTCUSDT MATICUSDT", "start": "2021-01-01", "archive_url": "off", "rest_url": "http://127.0.0.1:9"}
    )

    with caplog.at_level(logging.INFO):
        snapshot_listing(request, market, LandingZone(tmp_path), Coverage())

    assert [line for line in caplog.messages if "traded" in line] == said
