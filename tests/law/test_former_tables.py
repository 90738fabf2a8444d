"""Tables from before ``listing_seq``: refused with a way out, after which they are those of a lake made today."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake
from faults.catalogue import case
from law.lake import STEPS, Lake
from law.listings import REUSED
from law.proof import assert_equals_oracle, assert_nothing_left_to_do
from law.records import Record

from klineforge.errors import ContractError
from klineforge.incremental.engine import refresh
from klineforge.incremental.recipe import Derivation

# In the order of the pipelines, as CHANGELOG names them.
CHANGED = ("fact_1h_klines", "kline_runs", "kline_gaps", "dim_coins", "mart_returns_1h")
OTHER_COLUMNS = {"gap_end", "valid_from", "valid_to", "predecessor", "is_current"}


@case("77")
def test_lake_of_the_version_before_is_refused_and_made_anew_by_one_command(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.add(Record(coin, hour, 99.0 + hour % 7) for coin in ("AAAUSDT", REUSED) for hour in range(60) if hour != 9)
    lake.list_symbols([])
    lake.derive()
    for name in CHANGED:
        _as_before(lake, name)
    for name in CHANGED:
        with pytest.raises(
            ContractError, match=f"another version.*(listing_seq|gap_end) is missing.*klineforge rebuild {name}"
        ):
            lake.derive_only(name)
        _made_anew(lake, name)
    outcomes = lake.derive()
    assert {outcomes[name].action for name in CHANGED} == {"unchanged"}
    assert outcomes["mart_volume_metrics_1h"].action == "rebuild"
    assert_equals_oracle(lake)
    assert_nothing_left_to_do(lake)


def _as_before(lake: Lake, name: str) -> None:
    """Take away what the version before did not have."""
    folder = str(lake.folder(name))
    rows = pl.read_delta(folder)
    kept = rows.drop([column for column in rows.columns if column in {"listing_seq", *OTHER_COLUMNS}])
    write_deltalake(folder + "-before", kept.to_arrow(), partition_by=["year"] if "year" in kept.columns else None)
    lake.folder(name).rename(folder + "-now")
    Path(folder + "-before").rename(folder)


def _made_anew(lake: Lake, name: str) -> None:
    """What ``kedro klineforge rebuild`` does to a table."""
    recipe, sources = next((recipe, sources) for recipe, sources in STEPS if recipe.name == name)
    inputs = {argument: lake.dataset(table).load() for argument, table in sources.items()}
    outcome = refresh(Derivation(recipe, inputs), lake.dataset(name).load(), forced=True)
    assert (outcome.action, outcome.reason) == ("rebuild", "asked for")
