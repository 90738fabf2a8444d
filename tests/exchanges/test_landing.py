"""The landing zone: complete units or none."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from faults.catalogue import case
from ingestion.fakes import utc

from klineforge.domain.hours import Span
from klineforge.errors import ConfigurationError
from klineforge.exchanges.coverage import SourceRecord
from klineforge.exchanges.landing import DamagedUnitError, LandingZone
from klineforge.exchanges.units import KlineUnit, kline_unit

DOCUMENT = {"coin": "BTCUSDT"}


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing" / "binance")


def test_zone_that_does_not_exist_holds_nothing_and_is_not_created_by_looking(zone: LandingZone) -> None:
    assert zone.units() == zone.sweep() == []
    assert not zone.path.exists()


def test_unit_comes_back_with_its_bytes(zone: LandingZone) -> None:
    unit = zone.put("klines", ["a"], DOCUMENT, b"bytes")

    assert zone.units() == zone.sweep() == [unit]
    assert zone.content(unit) == b"bytes"
    assert unit.sha256 == hashlib.sha256(b"bytes").hexdigest()


def test_outcome_without_bytes_is_a_unit_too(zone: LandingZone) -> None:
    unit = zone.put("klines", ["a"], DOCUMENT)

    assert (unit.sha256, unit.size, zone.content(unit)) == (None, 0, b"")
    assert zone.sweep() == [unit]


def test_same_unit_put_twice_is_one(zone: LandingZone) -> None:
    assert zone.put("klines", ["a"], DOCUMENT, b"x").unit_id == zone.put("klines", ["a"], DOCUMENT, b"x").unit_id
    assert len(zone.units()) == 1
    assert zone.put("listing", ["a"], DOCUMENT, b"x").unit_id != zone.put("klines", ["b"], DOCUMENT, b"x").unit_id


def test_removed_unit_leaves_no_file(zone: LandingZone) -> None:
    unit = zone.put("klines", ["a"], DOCUMENT, b"bytes")

    zone.remove([unit.unit_id, "unknown"])

    assert list(zone.path.iterdir()) == []


@case("69", "73")
@pytest.mark.parametrize("damage", ["cut bytes", "other bytes", "no bytes", "torn manifest", "older format"])
def test_damaged_unit_is_swept_away_with_what_a_killed_run_left(zone: LandingZone, damage: str) -> None:
    good = zone.put("klines", ["good"], DOCUMENT, b"good")
    bad = zone.put("klines", ["bad"], DOCUMENT, b"0123456789")
    content, manifest = zone.path / f"{bad.unit_id}.bin", zone.path / f"{bad.unit_id}.json"
    match damage:
        case "cut bytes":
            content.write_bytes(b"01234")
        case "other bytes":
            content.write_bytes(b"9876543210")
        case "no bytes":
            content.unlink()
        case "torn manifest":
            manifest.write_bytes(manifest.read_bytes()[:20])
        case _:
            manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 0'))
    (zone.path / "abc.bin.partial").write_bytes(b"half")
    (zone.path / "orphan.bin").write_bytes(b"bytes without a manifest")

    assert zone.sweep() == [good]
    assert {path.stem for path in zone.path.iterdir()} == {good.unit_id}


def test_bytes_that_changed_after_landing_are_not_handed_out(zone: LandingZone) -> None:
    unit = zone.put("klines", ["a"], DOCUMENT, b"bytes")
    (zone.path / f"{unit.unit_id}.bin").write_bytes(b"byteX")

    with pytest.raises(DamagedUnitError, match="are not the 5 landed"):
        zone.content(unit)


@case("69", "73")
def test_unit_written_only_in_part_is_no_unit(zone: LandingZone, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    zone.put("klines", ["good"], DOCUMENT, b"good")
    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(ConfigurationError, match="No space left on device; free some space"):
        zone.put("klines", ["bad"], DOCUMENT, b"bad")
    monkeypatch.undo()

    assert len(zone.sweep()) == 1
    assert len(list(zone.path.iterdir())) == 2


def test_kline_unit_survives_its_manifest(zone: LandingZone) -> None:
    span = Span(utc("2021-01-01"), utc("2021-02-01"))
    record = SourceRecord(
        coin="币安人生USDT",
        source_kind="monthly_archive",
        source_uri="http://host/a.zip",
        sha256=hashlib.sha256(b"bytes").hexdigest(),
        span=span,
        status="loaded",
        row_count=743,
        ingestion_ts=utc("2021-03-01T01:02:03.000004"),
        first_open=span.start,
        last_open=utc("2021-01-31T23:00"),
        message="odd",
        holes=(Span(utc("2021-01-02"), utc("2021-01-02T01:00")),),
    )
    for unit in (
        KlineUnit(record, span),
        KlineUnit(replace(record, source_kind="rest", first_open=None, holes=()), span, (1, 2)),
    ):
        unit.land(zone, b"bytes")
        assert kline_unit(zone.units()[0]) == unit
        zone.remove(stored.unit_id for stored in zone.units())
