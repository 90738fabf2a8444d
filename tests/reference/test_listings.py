"""The listing seed: what it says, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from faults.catalogue import case

from klineforge.errors import ConfigurationError
from klineforge.reference.listings import listings_by_symbol, listings_digest, load_listings, parse_listings

HEADER = "symbol,listing_seq,base_asset,quote_asset,market_type,valid_from,valid_to,predecessor,source"
NOON, LATER = "2024-01-01T12:00:00Z", "2024-01-02T12:00:00Z"


@case("97")
def test_seed_knows_the_pair_that_no_suffix_rule_gets_right() -> None:
    assert [(known.base_asset, known.quote_asset) for known in load_listings() if known.symbol == "FTMBNB"] == [
        ("FTM", "BNB")
    ]


@case("92", "97")
def test_seed_knows_the_fifteen_coins_and_the_pitfalls() -> None:
    newest = {symbol: known[-1] for symbol, known in listings_by_symbol(load_listings()).items()}
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


@case("94")
def test_seed_knows_a_coin_that_was_listed_again_as_one_listing_of_several_periods() -> None:
    periods = [known for known in load_listings() if known.symbol == "BTCUSDC"]
    assert [(known.listing_seq, known.base_asset) for known in periods] == [(1, "BTC"), (1, "BTC")]
    # The hours are unknown: the whole of both days counts as listed.
    assert [known.valid_to for known in periods] == [datetime(2022, 9, 30, tzinfo=UTC), None]
    assert [known.valid_from for known in periods] == [None, datetime(2023, 3, 12, tzinfo=UTC)]
    (whole,) = listings_by_symbol(load_listings())["BTCUSDC"]
    assert (whole.valid_from, whole.valid_to) == (None, None)
    (whole,) = listings_by_symbol(reversed(load_listings()))["BTTUSDT"]
    assert whole.valid_to == datetime(2022, 2, 1, tzinfo=UTC)


@case("92", "95")
@pytest.mark.parametrize(
    ("symbol", "predecessors"),
    [
        ("POLUSDT", ["MATICUSDT"]),
        ("SUSDT", ["FTMUSDT"]),
        ("AUSDT", ["EOSUSDT"]),
        ("LUNCUSDT", ["LUNAUSDT"]),
        ("BCHUSDT", ["BCHABCUSDT", "BCCUSDT"]),
        ("XNOUSDT", ["NANOUSDT"]),
        ("BTTCUSDT", ["BTTUSDT"]),
        ("EGLDUSDT", ["ERDUSDT"]),
    ],
)
def test_seed_leads_back_from_a_renamed_coin_to_what_it_was(symbol: str, predecessors: list[str]) -> None:
    known, found = listings_by_symbol(load_listings()), []
    while (before := known[symbol][-1].predecessor) is not None:
        found.append(before)
        symbol = before
    assert found == predecessors


@case("95")
def test_seed_tells_a_redenominated_coin_as_another_listing() -> None:
    newest = {symbol: known[-1] for symbol, known in listings_by_symbol(load_listings()).items()}
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
        ([HEADER, "AUSDT,2,A,USDT,spot,,,,x"], "line 2 .* AUSDT: the first listing of a symbol must have number 1"),
        ([HEADER, f"AUSDT,1,A,USDT,spot,{NOON},{NOON},,x"], "line 2 .* ends .* not after it begins"),
        ([HEADER, "AUSDT,1,A,USDT,spot,,,,x", "AUSDT,1,A,USDT,spot,,,,x"], "line 3 .* must begin at or after the end"),
        (
            # The line named is that of the later period, wherever it stands.
            [HEADER, f"AUSDT,2,B,USDT,spot,{NOON},,,x", f"AUSDT,1,A,USDT,spot,,{LATER},,x"],
            "line 2 .* must begin at or after the end of the period before it; found that one ends 2024-01-02",
        ),
        (
            [HEADER, f"AUSDT,1,A,USDT,spot,,{NOON},,x", f"AUSDT,2,A,USDT,spot,{NOON},,,x"],
            "1 and 2 name the same assets",
        ),
        ([HEADER, f"AUSDT,1,A,USDT,spot,,{NOON},,x", f"AUSDT,3,B,USDT,spot,{NOON},,,x"], "number 3 follows number 1"),
        (
            [HEADER, f"AUSDT,1,A,USDT,spot,,{NOON},,x", f"AUSDT,1,A,BUSD,spot,{NOON},,,x"],
            "line 3 .* differs in more than its period from number 1",
        ),
        (
            [HEADER, f"AUSDT,1,A,USDT,spot,,{NOON},,x", f"AUSDT,1,A,USDT,spot,{NOON},,BUSDT,x"],
            "line 3 .* differs in more than its period from number 1",
        ),
    ],
)
def test_seed_with_a_mistake_is_refused(lines: list[str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        parse_listings(lines)
