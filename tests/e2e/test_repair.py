"""A lake that came to harm, by the command line alone: told, repaired, run, and equal to one that never was."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from e2e.project import kedro, kedro_here, parameters
from faults.catalogue import case
from lake.damages import commit_cut_in_a_line, data_file_cut, older_data_file_missing
from polars.testing import assert_frame_equal

from klineforge.contracts import CONTRACTS
from klineforge.simulator.server import DemoExchange

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.usefixtures("spark")]

NOW = datetime(2024, 3, 6, 12, 10, tzinfo=UTC)
PROVENANCE = ("ingestion_ts", "source_kind", "source_uri", "source_sha256", "source_row", "reported_at", "record")
# Of a plain run: features are a pipeline of their own.
DERIVED = {name: contract for name, contract in CONTRACTS.items() if contract.layer in {"silver", "gold", "marts"}}


@dataclass
class Lakes:
    """The lakes of this module, all of one exchange.

    Args:
        folder: Where they are.
        exchange: What they are of.
    """

    folder: Path
    exchange: DemoExchange

    def values(self, lake: Path, end: str) -> dict[str, str]:
        """Parameters of a run that wants the hours until then."""
        sources = {"archive_url": self.exchange.archive_url, "rest_url": self.exchange.rest_url}
        return {"lake": str(lake), "coins": "BTCUSDT ETHUSDT", "start": "2024-03-01", "end": end, **sources}

    def run(self, lake: Path, end: str) -> None:
        """Run all pipelines."""
        kedro_here(self.values(lake, end))


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lakes]:
    """``before`` has run twice, ``after`` once more, neither ever came to harm."""
    folder = tmp_path_factory.mktemp("lakes")
    with DemoExchange(seed=7, clock=lambda: NOW) as exchange:
        made = Lakes(folder, exchange)
        for end in ("2024-03-03", "2024-03-05"):
            made.run(folder / "before", end)
        shutil.copytree(folder / "before", folder / "after")
        made.run(folder / "after", "2024-03-06")
        yield made


def figures(lake: Path) -> dict[str, pl.DataFrame]:
    """Every derived table without what tells when and from where its rows were downloaded."""
    found = {}
    for name, contract in DERIVED.items():
        # One row per revision, named by its source.
        if name != "stage_binance_klines":
            rows = pl.read_delta(str(lake / contract.layer / name)).drop(PROVENANCE, strict=False)
            found[name] = rows.sort([key for key in contract.grain if key in rows.columns], maintain_order=True)
    return found


@case("78")
@pytest.mark.parametrize(
    ("table", "damage"),
    [
        ("bronze/binance_klines_daily", commit_cut_in_a_line),
        ("bronze/binance_klines_daily", older_data_file_missing),
        ("silver/fact_1h_klines", data_file_cut),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_damaged_lake_is_told_repaired_and_ends_like_one_that_never_was(
    lakes: Lakes, tmp_path: Path, table: str, damage: Callable[[Path], None]
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(lakes.folder / "before", lake)
    damage(lake / table)

    told = kedro("run", "--params", parameters(lakes.values(lake, "2024-03-06")), expected=1)
    assert "Traceback" not in told.stderr
    assert f"Error: the {'log of the ' if 'commit' in damage.__name__ else ''}table {Path(table).name}" in (
        told.stderr.replace(str(lake / table), Path(table).name)
    )
    assert "kedro klineforge repair" in told.stderr
    assert Path(table).name in kedro("klineforge", "repair", "--lake", str(lake)).stdout
    lakes.run(lake, "2024-03-06")

    wanted = figures(lakes.folder / "after")
    for name, rows in figures(lake).items():
        # Correlations of an increment and of a rebuild lie within their tolerance; everything else has the same bits.
        noisy = name in {"mart_correlations", "mart_market_breadth_1h"}
        assert_frame_equal(rows, wanted[name], check_exact=not noisy, abs_tol=1e-9, rel_tol=0.0)
    assert kedro("klineforge", "repair", "--dry-run", "--lake", str(lake)).returncode == 0
