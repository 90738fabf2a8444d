"""What waits for bronze, and what is noted of archives, is refused in object storage: no folder ``s3a:`` is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from kedro.io import DatasetError

from klineforge.datasets.archive_checks import ArchiveChecksDataset
from klineforge.datasets.landing import LandingZoneDataset


def test_landing_zone_by_uri_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match="in a folder of this machine, found s3a://bucket/lake/landing"):
        LandingZoneDataset(path="s3a://bucket/lake/landing/binance").load()
    assert list(tmp_path.iterdir()) == []


def test_note_of_archives_by_uri_is_refused_and_says_whats_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checks = ArchiveChecksDataset(path="s3a://bucket/lake/_klineforge/archive_checks.json")
    assert not checks.exists()
    with pytest.raises(DatasetError, match="a file of this machine, found s3a://bucket"):
        checks.load()
    with pytest.raises(DatasetError, match="a file of this machine, found s3a://bucket"):
        checks.save({"BTCUSDT": "2021-01-01T00:00:00+00:00"})
    assert list(tmp_path.iterdir()) == []
