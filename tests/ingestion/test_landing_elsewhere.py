"""A landing zone in object storage is refused, and no folder called ``s3:`` is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from kedro.io import DatasetError

from klineforge.datasets.landing import LandingZoneDataset


def test_landing_zone_by_uri_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match="in a folder of this machine, found s3a://bucket/lake/landing"):
        LandingZoneDataset(path="s3a://bucket/lake/landing/binance").load()
    assert list(tmp_path.iterdir()) == []
