"""Runs that are killed, and files that vanish, while a file that was published anew is on its way to bronze."""

from __future__ import annotations

import pytest
from deltalake import write_deltalake
from ingestion.anew import checkpoints, revisions
from ingestion.fakes import FakeBinance, Reply, hours, utc
from ingestion.lake import TABLES, Lake

from klineforge.exchanges.binance.bronze import bronze_batches

BTC = {"coins": "BTCUSDT", "start": "2021-01-01"}
MONTH = "BTCUSDT-1h-2021-01.zip"
FIXED = utc("2021-01-05T03:00")


@pytest.fixture
def loaded(exchange: FakeBinance, lake: Lake) -> FakeBinance:
    """An exchange of which everything has been loaded."""
    exchange.trade("BTCUSDT", hours("2021-01-01", "2021-03-10T12:00"))
    lake.ingest(exchange, **BTC)
    exchange.requests.clear()
    return exchange


def test_run_killed_between_download_and_append_finishes_the_revision_once(loaded: FakeBinance, lake: Lake) -> None:
    loaded.trade("BTCUSDT", [FIXED], close="1.70000000")
    lake.download(loaded, **BTC)
    loaded.requests.clear()

    report = lake.ingest(loaded, **BTC)["BTCUSDT"]

    assert loaded.downloaded("") == []
    assert MONTH not in loaded.rechecked()
    assert report.files_revised == 0
    assert [close for _, close in revisions(lake, FIXED)] == ["1.50000000", "1.70000000"]
    before = lake.versions()
    lake.ingest(loaded, **BTC)
    assert lake.versions() == before


@pytest.mark.parametrize("with_checkpoints", [False, True], ids=["before checkpoints", "before removal"])
def test_append_of_a_revision_that_was_cut_off_is_not_repeated(
    loaded: FakeBinance, lake: Lake, with_checkpoints: bool
) -> None:
    for close in ("1.70000000", "1.50000000"):
        loaded.trade("BTCUSDT", [FIXED], close=close)
        lake.download(loaded, **BTC)
        for batch in bronze_batches(lake.zone, lake.coverage()):
            write_deltalake(str(lake.path / TABLES["klines"]), batch.klines, mode="append")
            if with_checkpoints:
                write_deltalake(str(lake.path / TABLES["checkpoints"]), batch.checkpoints, mode="append")

        lake.ingest(loaded, **BTC)

    assert [close for _, close in revisions(lake, FIXED)] == ["1.50000000", "1.70000000", "1.50000000"]
    assert len(checkpoints(lake, MONTH)) == 3


@pytest.mark.parametrize("gone", ["the file", "its checksum"])
def test_file_that_vanishes_while_it_is_fetched_is_looked_at_by_the_next_run(
    loaded: FakeBinance, lake: Lake, gone: str
) -> None:
    loaded.trade("BTCUSDT", [FIXED], close="1.70000000")
    if gone == "the file":
        loaded.faults[MONTH] = [loaded.answer(f"/data/spot/monthly/klines/BTCUSDT/1h/{MONTH}.CHECKSUM"), Reply(404)]
    else:
        checksum = loaded.answer(f"/data/spot/monthly/klines/BTCUSDT/1h/{MONTH}.CHECKSUM")
        loaded.faults[f"{MONTH}.CHECKSUM"] = [checksum, Reply(404)]
    before = lake.versions()

    report = lake.ingest(loaded, **BTC)["BTCUSDT"]

    assert (report.rechecks_failed, report.failures) == (1, ())
    assert lake.versions() == before
    loaded.faults.clear()
    assert lake.ingest(loaded, **BTC)["BTCUSDT"].hours_revised == {"monthly_archive": 1}
