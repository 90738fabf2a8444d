"""What the rules of acceptance let through keeps the fact's contract: no accepted candle can make a write fail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracle.bronze import NEW_YEAR_2021, record
from oracle.silver import oracle_silver

from klineforge.contracts.silver import FACT_1H_KLINES
from klineforge.quality.expected import best_revisions
from klineforge.quality.promises import broken_rows, row_rules

NUMBERS = st.one_of(
    st.sampled_from(["0", "0.0", "-0", "-1", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "", "12.5.1", "100"]),
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.floats(80, 130).map(repr),
)
FIELDS = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")


@settings(max_examples=200, deadline=None)
@given(
    changes=st.lists(st.dictionaries(st.sampled_from(FIELDS), NUMBERS, max_size=4), min_size=1, max_size=10),
    minutes=st.integers(0, 60),
)
@example(changes=[{"high": "NaN"}, {"low": "-0"}, {"close": "120.0"}], minutes=0)
def test_accepted_candles_keep_the_contract(changes: list[dict[str, str]], minutes: int) -> None:
    records = [
        record(row, **fields, open_time=NEW_YEAR_2021 + 3_600_000 * row + 60_000 * minutes)
        for row, fields in enumerate(changes)
    ]
    silver = oracle_silver(records)
    accepted = [
        {"exchange": "binance", "coin": coin, "open_timestamp": opened, **candle}
        for (coin, opened), candle in silver.fact.items()
    ]
    if minutes not in {0, 60}:
        assert accepted == []
    if accepted:
        rows = pl.DataFrame(accepted, infer_schema_length=None).lazy()
        assert [
            finding for finding in broken_rows(rows, FACT_1H_KLINES, row_rules(FACT_1H_KLINES)) if not finding.holds
        ] == []


def test_of_several_revisions_the_one_silver_takes_is_expected() -> None:
    first = record()
    hour = timedelta(hours=1)
    revisions: list[dict[str, Any]] = [
        first,
        record(1, close="111.0", source_kind="daily_archive", sha256="bb"),
        record(2, close="112.0", source_kind="rest", sha256="cc", ingestion_ts=first["ingestion_ts"] - hour),
        record(3, close="113.0", sha256="dd", ingestion_ts=first["ingestion_ts"] + hour),
    ]
    (candle,) = oracle_silver(revisions).fact.values()
    expected = best_revisions(pl.DataFrame(revisions, infer_schema_length=None).lazy()).collect()
    assert expected.height == 1
    assert expected["close_price"][0] == candle["close_price"] == 111.0
    assert expected["source_sha256"][0] == "bb"
