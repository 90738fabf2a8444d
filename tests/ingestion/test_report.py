"""The report of a run, its progress, and the pipeline with its catalog entries."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from ingestion.fakes import FakeBinance, hours
from kedro.io import DataCatalog, DatasetError
from kedro.runner import SequentialRunner
from rich.console import Console
from rich.progress import Progress, TextColumn

from klineforge.datasets.archive_checks import ArchiveChecksDataset
from klineforge.datasets.coverage import IngestionCoverageDataset
from klineforge.datasets.exchange import BinanceMarketDataset
from klineforge.datasets.landing import LandingZoneDataset
from klineforge.errors import ConfigurationError, IngestionIncompleteError
from klineforge.exchanges.report import CoinReport, IngestionReport, raise_if_incomplete
from klineforge.pipelines.ingestion import create_pipeline
from klineforge.pipelines.ingestion.progress import LiveBar, LogLines, progress_display


def test_complete_report_raises_nothing_and_survives_json() -> None:
    report = IngestionReport((CoinReport("BTCUSDT", rows=3), CoinReport("ETHUSDT", hours_missing=2)))

    document = json.loads(json.dumps(report.to_json()))

    assert IngestionReport.from_json(document) == report
    raise_if_incomplete(document)


def test_incomplete_report_names_the_coins_and_each_reason_once() -> None:
    failed = [CoinReport(f"C{number}", failures=(f"binance C{number}: no answer\n  url",)) for number in range(30)]

    with pytest.raises(IngestionIncompleteError) as caught:
        raise_if_incomplete(IngestionReport((*failed, CoinReport("GOOD"), CoinReport("BAD", failures=("worse",)))))

    message = str(caught.value)
    assert message.startswith("31 of 32 coins are incomplete: C0, C1, C2, C3, C4, C5, C6, C7, C8, C9 ...\n")
    assert message.count("no answer") == 1
    assert "- worse" in message
    assert "run again to continue" in message
    assert len(message.splitlines()) < 24


def test_progress_in_a_log_is_a_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    lines = LogLines(2, lambda: now[0])
    lines.planned("BTCUSDT", 40)
    with caplog.at_level(logging.INFO):
        for second in range(25):
            now[0] = float(second)
            lines.finished_task("BTCUSDT", 744)
        lines.finished_coin("BTCUSDT")

    assert caplog.messages == [
        "downloading: coins 0/2, files 11/40, rows 8,184",
        "downloading: coins 0/2, files 21/40, rows 15,624",
    ]


def test_progress_without_a_terminal_shows_nothing_live(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_display(1) as progress:
        progress.planned("BTCUSDT", 1)
        progress.finished_task("BTCUSDT", 1)

    assert isinstance(progress, LogLines)
    assert capsys.readouterr() == ("", "")


def test_progress_in_a_terminal_counts_files_rows_and_coins() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with Progress(TextColumn("{task.completed:.0f}/{task.total} {task.fields[note]}"), console=console) as progress:
        bar = LiveBar(2, progress)
        bar.planned("BTCUSDT", 3)
        bar.finished_task("BTCUSDT", 744)
        bar.finished_coin("BTCUSDT")

    assert "1/3 744 rows, 1/2 coins" in screen.getvalue()


def catalog_of(exchange: FakeBinance, lake: Path, parameters: dict[str, Any]) -> DataCatalog:
    """The entries of the pipeline, as the project's catalog has them."""
    landing = {"type": LandingZoneDataset, "path": str(lake / "landing")}
    kept = {"type": "MemoryDataset", "copy_mode": "assign"}
    catalog = DataCatalog.from_config(
        {
            "binance_market": {
                "type": BinanceMarketDataset,
                "archive_url": exchange.url,
                "rest_url": exchange.url,
            },
            "binance_landing_inventory": landing,
            "binance_landing": landing,
            "binance_coverage": {"type": IngestionCoverageDataset, "path": str(lake / "bronze")},
            "ingestion_plan": kept,
            "ingestion_report": {"type": "json.JSONDataset", "filepath": str(lake / "report.json")},
            "binance_archive_checks": {"type": ArchiveChecksDataset, "path": str(lake / "archive_checks.json")},
        }
    )
    catalog["parameters"] = parameters
    return catalog


def test_pipeline_runs_in_kedro_and_leaves_the_landing_zone_and_a_report(exchange: FakeBinance, tmp_path: Path) -> None:
    exchange.trade("BTCUSDT", hours("2021-02-01", "2021-02-03"))
    parameters = {
        "coins": "BTCUSDT", "start": "2021-02-01", "end": "2021-02-03",
        "archive_url": exchange.url, "rest_url": exchange.url,
    }  # fmt: skip
    catalog = catalog_of(exchange, tmp_path, parameters)

    SequentialRunner().run(create_pipeline(), catalog)

    report = IngestionReport.from_json(catalog.load("ingestion_report"))
    assert report.coins == (CoinReport("BTCUSDT", hours_wanted=48, files=2, rows=48),)
    assert {unit.kind for unit in catalog.load("binance_landing").units()} == {"klines", "listing"}


def test_pipeline_refuses_bad_parameters_before_anything_is_asked(exchange: FakeBinance, tmp_path: Path) -> None:
    catalog = catalog_of(exchange, tmp_path, {"coins": "BTCUSDT", "start": "tomorrow"})

    with pytest.raises(ConfigurationError, match="'start' must be a date"):
        SequentialRunner().run(create_pipeline(), catalog)
    assert exchange.requests == []
    assert list(tmp_path.iterdir()) == []


def test_landing_entry_refuses_units_that_did_not_land(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="1 downloads are not in"):
        LandingZoneDataset(path=str(tmp_path)).save(["unknown"])


def test_entries_that_are_only_read_refuse_to_be_written(tmp_path: Path) -> None:
    market = BinanceMarketDataset(archive_url="http://host", rest_url="off")
    coverage = IngestionCoverageDataset(path=str(tmp_path))
    for entry in (market, coverage):
        with pytest.raises(DatasetError, match="can only be read|cannot be written"):
            entry.save(object())  # type: ignore[arg-type]
    assert not coverage.exists()


def test_exchange_entry_hands_out_one_client_for_the_whole_run() -> None:
    entry = BinanceMarketDataset(archive_url="http://host/", rest_url=False)

    assert entry.load() is entry.load()
    assert (entry.load().archive_url, entry.load().rest_urls) == ("http://host", ())


def test_exchange_entry_refuses_a_bad_url() -> None:
    with pytest.raises(DatasetError, match="'rest_url' must be a URL") as caught:
        BinanceMarketDataset(archive_url="off", rest_url="nonsense").load()
    assert isinstance(caught.value.__cause__, ConfigurationError)


@pytest.mark.parametrize("retries", [-1, 21, 2.5, "4", True])
def test_retries_out_of_range_are_refused(retries: object) -> None:
    with pytest.raises(ConfigurationError, match="'retries' must be a whole number from 0 to 20"):
        BinanceMarketDataset(archive_url="http://host", rest_url="off", retries=retries)
