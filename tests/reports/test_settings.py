"""What the parameters ``report.*`` ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from klineforge.errors import ConfigurationError
from klineforge.reports.settings import parse_report_settings
from klineforge.serving.catalogue import Catalogue

FIRST, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)
CATALOGUE = Catalogue({"binance": ("ADAUSDT", "BTCUSDT", "ETHUSDT")}, FIRST, END, {})


def test_settings_without_any_are_those_of_the_dashboard() -> None:
    settings = parse_report_settings({"exchange": None, "coins": [], "coin": None, "range": None, "start": None})
    selection = settings.selection(CATALOGUE)
    assert (selection.exchange, selection.coins, selection.coin) == ("binance", (), "BTCUSDT")
    assert (selection.end, selection.hours, settings.theme) == (END, 720, "dark")


def test_settings_dates_stand_above_the_range() -> None:
    settings = parse_report_settings({"range": "7d", "start": "2024-02-01", "end": "2024-02-11", "theme": "light"})
    selection = settings.selection(CATALOGUE)
    assert (selection.start.day, selection.hours, settings.theme) == (1, 240, "light")


@pytest.mark.parametrize("coins", [["ETHUSDT", "ADAUSDT"], "ETHUSDT ADAUSDT", "ETHUSDT,ADAUSDT"])
def test_settings_coins_are_a_list_or_names_in_one_text(coins: object) -> None:
    assert parse_report_settings({"coins": coins}).selection(CATALOGUE).coins == ("ETHUSDT", "ADAUSDT")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"colour": "red"}, "the report has no parameter colour; expected some of coin, coins, end"),
        ({"theme": "blue"}, "report.theme must be dark or light, found 'blue'"),
        ({"coins": 5}, "report.coins must be a list of names or names separated by spaces, found 5"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_report_settings(parameters)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"coin": "XYZ"}, r"The parameters report.\* ask for coin 'XYZ', which is not in this lake"),
        ({"coins": "BTCUSDT XYZ"}, "coins that binance has no candles of here: 'XYZ'"),
        ({"start": "yesterday"}, "The parameter's date 'yesterday' is none; expected 2026-01-31"),
    ],
)
def test_settings_that_the_lake_has_not_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_report_settings(parameters).selection(CATALOGUE)
