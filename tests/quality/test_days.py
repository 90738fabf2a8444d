"""Days made of hours against the exchange's own candles of days."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from faults.catalogue import case

from klineforge.contracts.silver import FACT_1H_KLINES
from klineforge.datasets.exchange import BinanceMarketDataset
from klineforge.domain.hours import Span
from klineforge.errors import ConfigurationError
from klineforge.exchanges.binance.market import BinanceMarket
from klineforge.lake.location import TableLocation
from klineforge.lake.table import LakeTable
from klineforge.pipelines.quality.nodes import QualityOptions, compare_days
from klineforge.quality.finding import Finding
from klineforge.simulator.faults.fault import Fault
from klineforge.simulator.server import DemoExchange

COINS = ("BTCUSDT", "ETHUSDT")
DAYS = 4
OPTIONS = QualityOptions(days_compared=3)


def last_midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@contextmanager
def asked(exchange: DemoExchange) -> Iterator[BinanceMarket]:
    """A client of the exchange."""
    dataset = BinanceMarketDataset(archive_url="off", rest_url=exchange.rest_url)
    try:
        yield dataset.load()
    finally:
        dataset.release()


def fact_of(market: BinanceMarket, folder: Path, without: datetime | None = None) -> LakeTable:
    """The fact as far as days need it, from the exchange's hours, which may lack one."""
    rest = market._rest
    assert rest is not None
    span = Span(last_midnight() - timedelta(days=DAYS), last_midnight() + timedelta(hours=0, minutes=1))
    frames = []
    for coin in COINS:
        records = pl.concat([pl.DataFrame(page.records) for page in rest.pages(coin, span)])
        frames.append(
            records.select(
                pl.lit("binance").alias("exchange"),
                pl.lit(coin).alias("coin"),
                pl.col("open_time")
                .cast(pl.Datetime("ms", "UTC"))
                .cast(pl.Datetime("us", "UTC"))
                .alias("open_timestamp"),
                *(pl.col(name).cast(pl.Float64).alias(f"{name}_price") for name in ("open", "high", "low", "close")),
                *(pl.col(name).cast(pl.Float64) for name in ("volume", "quote_volume")),
            )
        )
    rows = pl.concat(frames).filter(pl.col("open_timestamp") != (without or datetime(1970, 1, 1, tzinfo=UTC)))
    write_deltalake(folder, rows.to_arrow())
    return LakeTable.at(FACT_1H_KLINES, TableLocation(str(folder)))


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


@case("68")
def test_day_that_differs_from_its_hours_is_a_warning_and_no_more(tmp_path: Path) -> None:
    with DemoExchange() as exchange, asked(exchange) as market:
        fact = fact_of(market, tmp_path / "fact")
        sound = only(compare_days(OPTIONS, market, fact))
        assert (sound.rule, sound.severity) == ("days_agree_with_exchange", "warning")
        assert sound.holds, sound
        assert sound.checked == len(COINS) * 3

        exchange.inject(Fault("day-differs", share=0.999))
        differing = only(compare_days(OPTIONS, market, fact))
        assert exchange.injected, "the fault did not happen"
        assert differing.failed == len(COINS) * 3
        assert not differing.is_error


def test_days_that_lack_an_hour_are_not_compared(tmp_path: Path) -> None:
    with DemoExchange() as exchange, asked(exchange) as market:
        fact = fact_of(market, tmp_path / "fact", without=last_midnight() - timedelta(hours=30))
        finding = only(compare_days(OPTIONS, market, fact))
        assert finding.holds
        assert finding.checked == len(COINS) * 2


def test_nobody_is_asked_unless_told_to_and_silence_is_only_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with DemoExchange() as exchange, asked(exchange) as market:
        fact = fact_of(market, tmp_path / "fact")
        before = len(exchange.requests)
        assert compare_days(QualityOptions(), market, fact) == []
        assert len(exchange.requests) == before
        url = exchange.rest_url
    with caplog.at_level(logging.WARNING):
        gone = BinanceMarketDataset(archive_url="off", rest_url=url, retries=0)
        assert compare_days(OPTIONS, gone.load(), fact) == []
        gone.release()
    assert "days cannot be compared from BTCUSDT on" in caplog.text


@pytest.mark.parametrize("days", [-1, 901, 1.5, True, "3"])
def test_number_of_days_must_be_one(days: object) -> None:
    with pytest.raises(ConfigurationError, match="days_compared"):
        QualityOptions(days_compared=days)  # type: ignore[arg-type]
