"""The listing seed: what it says, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from faults.catalogue import case

from klineforge.errors import ConfigurationError
from klineforge.reference.listings import listings_digest, load_listings, newest_listings, parse_listings

HEADER = "symbol,listing_seq,base_asset,quote_asset,market_type,valid_from,valid_to,predecessor,source"


@case("97")
def test_seed_knows_the_pair_that_no_suffix_rule_gets_right() -> None:
    assert [(known.base_asset, known.quote_asset) for known in load_listings() if known.symbol == "FTMBNB"] == [
        ("FTM", "BNB")
    ]


@case("92", "97")
def test_seed_knows_the_fifteen_coins_and_the_pitfalls() -> None:
    newest = newest_listings(load_listings())
    coins = ["BTC", "ETH", "BNB", "ADA", "XRP", "SOL", "DOT", "DOGE", "LTC", "LINK", "ALGO", "TRX", "MATIC", "AVAX"]
    coins += ["FTM", "S", "A", "1INCH"]
    assert [newest[f"{coin}USDT"].base_asset for coin in coins] == coins
    assert newest["POLUSDT"].predecessor == "MATICUSDT"


@case("93")
def test_seed_tells_the_two_assets_named_luna_apart() -> None:
    old, new = [known for known in load_listings() if known.symbol == "LUNAUSDT"]
    assert (old.base_asset, new.base_asset) == ("LUNC", "LUNA")
    assert old.valid_to is not None
    assert new.valid_from == datetime(2022, 5, 31, 6, tzinfo=UTC)
    assert old.valid_to < new.valid_from


@case("95")
def test_seed_tells_a_redenominated_coin_as_another_listing() -> None:
    newest = newest_listings(load_listings())
    assert newest["BTTUSDT"].base_asset == "BTT"
    assert newest["BTTUSDT"].valid_to is not None
    assert (newest["BTTCUSDT"].base_asset, newest["BTTCUSDT"].predecessor) == ("BTTC", "BTTUSDT")


def test_seed_switched_off_knows_nothing_and_has_a_digest_of_its_own() -> None:
    assert load_listings("none") == ()
    assert listings_digest("none") != listings_digest()
    assert len(listings_digest()) == 64


def test_seed_of_another_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected the listing seed 'binance' or 'none', found 'bybit'"):
        load_listings("bybit")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["symbol,base"], "must have the columns symbol, listing_seq"),
        ([HEADER, "AUSDT,one,A,USDT,spot,,,,x"], "line 2 .* cannot be read"),
        ([HEADER, "AUSDT,1,A,USDT,spot,2024-01-01T00:00:00,,,x"], "line 2 .* expected a UTC instant"),
        ([HEADER, "AUSDT,1,,USDT,spot,,,,x"], "line 2 .* needs symbol, base_asset and quote_asset"),
        ([HEADER, "AUSDT,1,A,USDT,spot,,,,x", "AUSDT,1,A,USDT,spot,,,,x"], "holds AUSDT number 1 twice"),
        ([HEADER, "AUSDT,1,A,USDT,spot,,,,x", "AUSDT,2,A,USDT,spot,,,,x"], "listing 2 of AUSDT must begin at or after"),
    ],
)
def test_seed_with_a_mistake_is_refused(lines: list[str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        parse_listings(lines)
