"""Selections as values and as parameters of a URL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klineforge.serving.catalogue import Catalogue
from klineforge.serving.selection import INTERVALS, PRESETS, Selection, preset_range, read_selection

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
LAST = datetime(2026, 3, 1, 12, tzinfo=UTC)
OFFERED = ("ADAUSDT", "BTCUSDT", "ETHUSDT")
CATALOGUE = Catalogue({"binance": OFFERED, "kraken": ("XBTUSD",)}, FIRST, LAST, {})


def test_selection_from_a_bare_url_shows_all_coins_of_the_last_month_by_the_hour() -> None:
    read = read_selection({}, CATALOGUE)

    assert read.remarks == ()
    assert read.selection == Selection(
        "binance", (), "BTCUSDT", LAST - timedelta(days=30), LAST, interval="1h", preset="30d"
    )


@st.composite
def selections(draw: st.DrawFn) -> Selection:
    exchange = draw(st.sampled_from(CATALOGUE.exchanges))
    offered = CATALOGUE.coins[exchange]
    coins = draw(st.lists(st.sampled_from(offered), unique=True, max_size=len(offered) - 1))
    preset = draw(st.sampled_from([*PRESETS, None]))
    if preset is None:
        hours = int((LAST - FIRST) / timedelta(hours=1))
        first = draw(st.integers(0, hours - 1))
        last = draw(st.integers(first + 1, hours))
        start, end = FIRST + timedelta(hours=first), FIRST + timedelta(hours=last)
    else:
        start, end = preset_range(preset, CATALOGUE)
    coin = draw(st.sampled_from(offered))
    return Selection(exchange, tuple(coins), coin, start, end, draw(st.sampled_from(INTERVALS)), preset)


@given(selections())
def test_selection_written_into_a_url_and_read_again_is_the_same(selection: Selection) -> None:
    read = read_selection(selection.query(), CATALOGUE)

    assert read.selection == selection
    assert read.remarks == ()


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"exchange": "mtgox"}, "exchange 'mtgox'"),
        ({"coin": "<script>"}, "coin '<script>'"),
        ({"coins": "BTCUSDT,NOPE"}, "'NOPE'"),
        ({"interval": "7h"}, "interval '7h'"),
        ({"start": "0001-01-01T00:00+14:00", "end": "2026-01-01"}, "date '0001-01-01T00:00+14:00' is none"),
        ({"range": "decade"}, "range 'decade'"),
        ({"start": "yesterday"}, "date 'yesterday'"),
        ({"start": "2030-01-01"}, "the lake has no hour"),
        ({"start": "2026-02-02", "end": "2026-02-01"}, "the lake has no hour"),
    ],
)
def test_selection_from_a_url_that_makes_no_sense_says_what_is_shown_instead(
    parameters: dict[str, str], told: str
) -> None:
    read = read_selection(parameters, CATALOGUE)

    assert len(read.remarks) == 1
    assert told in read.remarks[0]
    assert read.selection.start < read.selection.end


@given(st.dictionaries(st.sampled_from(["exchange", "coin", "coins", "interval", "range", "start", "end"]), st.text()))
def test_selection_from_any_url_can_be_shown(parameters: dict[str, str]) -> None:
    selection = read_selection(parameters, CATALOGUE).selection

    assert FIRST <= selection.start < selection.end <= LAST
    assert selection.coin in CATALOGUE.coins[selection.exchange]
    assert set(selection.coins) <= set(CATALOGUE.coins[selection.exchange])


def test_selection_written_as_other_people_write_is_understood() -> None:
    read = read_selection(
        {"coins": " btcusdt , ethusdt ", "coin": "ethusdt", "start": "2026-02-01T01:00+01:00"}, CATALOGUE
    )

    assert read.selection.coins == ("BTCUSDT", "ETHUSDT")
    assert read.selection.coin == "ETHUSDT"
    assert (read.selection.start, read.selection.end) == (datetime(2026, 2, 1, tzinfo=UTC), LAST)


def test_selection_of_every_coin_is_all_coins() -> None:
    assert read_selection({"coins": ",".join(OFFERED)}, CATALOGUE).selection.coins == ()
