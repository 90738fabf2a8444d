"""Whatever lies in a lake's folders from an earlier run or from somebody else: used or dropped, never obeyed."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from exchanges.hostile import CSV, JSON, PAGE, mutations_of, nested, unhurried
from hypothesis import example, given
from hypothesis import strategies as st
from ingestion.fakes import utc, zipped

from klineforge.contracts.operations import RUN_LOG
from klineforge.datasets.archive_checks import ArchiveChecksDataset
from klineforge.domain.hours import Span
from klineforge.errors import LakeBusyError
from klineforge.exchanges.binance.bronze import bronze_batches
from klineforge.exchanges.binance.listing import land_listing, listing_batch, newest_listing
from klineforge.exchanges.binance.market import Listing
from klineforge.exchanges.binance.parse import ListedSymbol
from klineforge.exchanges.coverage import Coverage, SourceRecord
from klineforge.exchanges.landing import LandingZone
from klineforge.exchanges.units import KlineUnit, swept_klines
from klineforge.hooks import require_market
from klineforge.lake.arrow import arrow_schema
from klineforge.lake.lock import lake_lock
from klineforge.reporting.runlog import read_runs
from klineforge.reporting.runtable import rows_of, runs_to_take_over
from klineforge.reporting.runwriting import write_down_killed_run

MONTH = Span(utc("2021-01-01"), utc("2021-02-01"))
ZIP = zipped("BTCUSDT-1h-2021-01.csv", CSV)
FIELDS = ("coin", "source_kind", "source_uri", "sha256", "range", "status", "row_count", "ingestion_ts", "first_open",
          "message", "holes", "period", "source_rows")  # fmt: skip


@contextmanager
def guarded_zone() -> Iterator[LandingZone]:
    """A landing zone beside a file that must stay as it is, and nothing must come beside it."""
    with tempfile.TemporaryDirectory() as folder:
        outside = Path(folder) / "outside.bin"
        outside.write_bytes(b"precious")
        zone = LandingZone(Path(folder) / "landing")
        zone.path.mkdir()
        yield zone
        assert sorted(path.name for path in Path(folder).iterdir()) == ["landing", "outside.bin"]
        assert outside.read_bytes() == b"precious"


def landed(zone: LandingZone, kind: str) -> tuple[Path, dict[str, Any]]:
    """The manifest of a unit just landed, and what is in it."""
    content = PAGE if kind == "rest" else ZIP
    record = SourceRecord(
        coin="BTCUSDT",
        source_kind="rest" if kind == "rest" else "monthly_archive",
        source_uri="http://host/BTCUSDT-1h-2021-01.zip",
        sha256=hashlib.sha256(content).hexdigest(),
        span=MONTH,
        status="loaded",
        row_count=5,
        ingestion_ts=utc("2021-03-01"),
    )
    unit = KlineUnit(record, MONTH, (0, 4) if kind == "rest" else None).land(zone, content)
    manifest = zone.path / f"{unit.unit_id}.json"
    return manifest, json.loads(manifest.read_bytes())


def rows_brought(zone: LandingZone) -> int:
    """What the bronze pipeline would append; afterwards the zone has let go of everything of klines."""
    waiting = swept_klines(zone)
    batches = list(bronze_batches(zone, Coverage()))
    for batch in batches:
        zone.remove(batch.unit_ids)
    assert len(waiting) == sum(len(batch.unit_ids) for batch in batches)
    assert [unit for unit in zone.units() if unit.kind == "klines"] == []
    return sum(batch.klines.num_rows for batch in batches)


@unhurried
@given(st.sampled_from(["rest", "archive"]), st.sampled_from(FIELDS), JSON)
@example("archive", "coin", 7).via("a coin is a name")
@example("archive", "sha256", None).via("rows without bytes")
@example("rest", "source_rows", [0, 99]).via("a row that is not there")
@example("rest", "source_rows", [-1])
@example("rest", "range", ["2021-01-01", "2021-02-01"]).via("hours of no time zone")
@example("rest", "range", ["2021-02-01T00:00:00+00:00", "2021-01-01T00:00:00+00:00"])
@example("rest", "ingestion_ts", "0001-01-01T00:00:00+23:00").via("before the calendar")
@example("archive", "source_kind", "rest").via("a zip is no page")
@example("rest", "status", "wonderful")
@example("rest", "row_count", 2**70)
def test_manifest_with_another_value_is_used_or_dropped(kind: str, field: str, value: object) -> None:
    with guarded_zone() as zone:
        manifest, document = landed(zone, kind)
        document["document"][field] = value
        manifest.write_text(json.dumps(document))

        assert rows_brought(zone) in {0, 1, 2, 5}


@unhurried
@given(mutations_of(json.dumps({"format": 1, "kind": "klines", "sha256": None, "size": 0, "document": {}}).encode()))
@example(nested(5000)).via("nested too deeply for the reader")
@example(b'{"format":1,"kind":"klines","sha256":null,"size":0,"document":[]}')
@example(b'{"format":1,"kind":"listing","sha256":null,"size":0,"document":{"ingestion_ts":[]}}')
def test_manifest_of_any_bytes_is_dropped(content: bytes) -> None:
    with guarded_zone() as zone:
        (zone.path / "abc.json").write_bytes(content)

        assert rows_brought(zone) == 0
        assert newest_listing(Coverage(), zone.units()) == {}
        batch = listing_batch(zone, Coverage())
        assert batch is None or batch.symbols.num_rows == 0


@unhurried
@given(
    st.sampled_from(["ingestion_ts", "source_uri", "symbols"]),
    JSON | st.lists(st.dictionaries(st.just("symbol"), JSON)),
)
def test_landed_listing_with_another_value_is_used_or_dropped(field: str, value: object) -> None:
    with guarded_zone() as zone:
        symbol = ListedSymbol("BTCUSDT", "TRADING", "BTC", "USDT", "{}")
        land_listing(zone, Listing((symbol,), "http://host", utc("2021-03-01")), {})
        (manifest,) = zone.path.glob("*.json")
        document = json.loads(manifest.read_bytes())
        document["document"][field] = value
        manifest.write_text(json.dumps(document))

        batch = listing_batch(zone, Coverage())
        assert batch is not None
        assert batch.symbols.num_rows in {0, 1}
        zone.remove(batch.unit_ids)
        assert zone.units() == []


@unhurried
@given(mutations_of(ZIP, PAGE), st.sampled_from(["rest", "archive"]))
def test_bytes_that_their_manifest_vouches_for_are_used_or_dropped(content: bytes, kind: str) -> None:
    with guarded_zone() as zone:
        manifest, document = landed(zone, kind)
        digest = hashlib.sha256(content).hexdigest()
        document["sha256"] = document["document"]["sha256"] = digest
        document["size"] = len(content)
        manifest.write_text(json.dumps(document))
        manifest.with_suffix(".bin").write_bytes(content)

        assert rows_brought(zone) >= 0


@pytest.mark.parametrize("target", ["../outside.bin", "../new.bin", "/dev/null"])
@pytest.mark.parametrize("suffix", [".json", ".bin", ".bin.partial", ".json.partial"])
def test_link_in_the_landing_zone_is_removed_and_not_followed(suffix: str, target: str) -> None:
    with guarded_zone() as zone:
        manifest, _ = landed(zone, "archive")
        link = manifest.with_name(manifest.stem + suffix)
        link.unlink(missing_ok=True)
        link.symlink_to(target)

        zone.sweep()
        landed(zone, "archive")

        assert not link.is_symlink()
        assert rows_brought(zone) == 5


@unhurried
@given(
    st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1, max_size=60).filter(
        lambda name: name not in {".", ".."}
    )
)
@example("..json")
@example("\n\x1b[2J.json")
@example("-rf.bin")
def test_foreign_names_in_the_landing_zone_do_no_harm(name: str) -> None:
    with guarded_zone() as zone:
        landed(zone, "archive")
        (zone.path / name).write_bytes(b"{}")

        assert rows_brought(zone) == 5


@unhurried
@given(mutations_of(b'{"BTCUSDT": "2021-01-01T00:00:00+00:00"}') | JSON.map(lambda value: json.dumps(value).encode()))
@example(nested(5000))
@example(b'{"\\ud800": "2021-01-01T00:00:00+00:00"}').via("a name that cannot be written as it is")
@example(b'{"A": "0001-01-01T00:00:00+23:00"}')
def test_note_of_archive_checks_of_any_bytes_can_be_read_and_added_to(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "archive_checks.json"
        path.write_bytes(content)
        note = ArchiveChecksDataset(path=str(path))

        before = note.load()
        note.save({"ETHUSDT": "2022-01-01T00:00:00+00:00"})

        assert all(until.tzinfo is not None for until in before.values())
        assert note.load() == {**before, "ETHUSDT": utc("2022-01-01")}


@unhurried
@given(mutations_of(b'{"pid": 1, "host": "h", "since": "2021-01-01T00:00:00+00:00", "purpose": "kedro run"}'))
@example(nested(2000))
def test_lock_file_of_any_bytes_still_tells_that_the_lake_is_busy(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, lake_lock(Path(folder), purpose="one", now=datetime.now(UTC)):
        (Path(folder) / "_klineforge" / "lock").write_bytes(content)

        with (
            pytest.raises(LakeBusyError, match="is being written by another run"),
            lake_lock(Path(folder), purpose="two", now=datetime.now(UTC)),
        ):
            raise AssertionError("the lake was held twice")


@unhurried
@given(mutations_of(b'{"market": "binance"}') | JSON.map(lambda value: json.dumps({"market": value}).encode()))
@example(nested(5000))
def test_market_marker_of_any_bytes_is_replaced_in_a_lake_without_tables(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        marker = Path(folder) / "_klineforge" / "market.json"
        marker.parent.mkdir()
        marker.write_bytes(content)

        require_market(Path(folder), "binance")

        assert json.loads(marker.read_bytes()) == {"market": "binance"}


@unhurried
@given(
    mutations_of(
        b'{"run_id": "1", "started_at": "2021-01-01T00:00:00+00:00", "ended_at": "2021-01-01T00:00:01+00:00", '
        b'"outcome": "success", "tables": [{"table": "t", "action": "a", "seconds": 1}]}\n'
    )
)
@example(nested(5000))
@example(b'{"run_id": "1", "started_at": "0001-01-01T00:00:00+23:00", "ended_at": "0001-01-01", "outcome": "x"}')
def test_run_log_of_any_bytes_can_be_read(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "_klineforge" / "runs.jsonl"
        log.parent.mkdir()
        log.write_bytes(content)

        assert len(read_runs(Path(folder), 10).runs) <= content.count(b"\n") + 3


LINE = (
    b'{"run_id": "1", "started_at": "2021-01-01T00:00:00+00:00", "ended_at": "2021-01-01T00:00:01+00:00", "outcome": '
    b'"failed", "error": "e", "nodes": [{"name": "n", "outcome": "failed", "started_at": "2021-01-01T00:00:00+00:00", '
    b'"ended_at": "2021-01-01T00:00:01+00:00"}], "parameters": {"a": 1}, "tables": [{"table": "t", "action": "merge", '
    b'"inserted": 3, "seconds": 1, "version": 2, "read": {"u": 1}, "started_at": "2021-01-01T00:00:00+00:00"}]}\n'
)


@unhurried
@given(mutations_of(LINE))
@example(LINE.replace(b'"inserted": 3', b'"inserted": 99999999999999999999'))
@example(LINE.replace(b'"name": "n"', b'"name": "\\ud800"'))
@example(LINE.replace(b'"seconds": 1', b'"seconds": 1e300'))
def test_run_log_of_any_bytes_fits_the_table_or_is_left_out(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "_klineforge" / "runs.jsonl"
        log.parent.mkdir()
        log.write_bytes(content + b"\n" + LINE.replace(b'"1"', b'"2"'))

        runs = runs_to_take_over(Path(folder))

        assert runs[-1].run_id == "2"
        pa.Table.from_pylist([row for run in runs for row in rows_of(run)], schema=arrow_schema(RUN_LOG))


@unhurried
@given(mutations_of(b'{"run_id": "1", "started_at": "2021-01-01T00:00:00+00:00", "pipeline": "p", "parameters": {}}'))
@example(nested(5000))
def test_mark_of_any_bytes_stops_no_run(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mark = Path(folder) / "_klineforge" / "run_in_work.json"
        mark.parent.mkdir()
        mark.write_bytes(content)

        write_down_killed_run(Path(folder), datetime(2026, 1, 1, tzinfo=UTC))

        assert not mark.exists()
