"""The check on save, as Kedro's catalog asks it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
import yaml
from kedro.io import DataCatalog
from kedro.validation.exceptions import DataValidationError

from klineforge.cli.user_errors import user_error_in
from klineforge.contracts import CONTRACTS
from klineforge.contracts.bronze import BINANCE_EXCHANGE_INFO
from klineforge.datasets.delta_table import Append
from klineforge.datasets.validation import ContractValidator
from klineforge.errors import ContractError
from klineforge.incremental.recipe import Derivation, derive
from klineforge.lake.arrow import arrow_schema
from klineforge.lake.location import TableLocation
from klineforge.lake.table import LakeTable
from klineforge.recipes import gold

CONF = Path(__file__).resolve().parents[2] / "conf" / "base"
TABLE = BINANCE_EXCHANGE_INFO.name


def catalog(folder: Path) -> DataCatalog:
    """A catalog with one table, checked on save as the project's own entries are."""
    (entry,) = [
        entries[TABLE]
        for file in CONF.glob("catalog_*.yml")
        if TABLE in (entries := yaml.safe_load(file.read_text(encoding="utf-8")))
    ]
    return DataCatalog.from_config({TABLE: {**entry, "path": str(folder / TABLE)}})


def snapshot(**changes: object) -> Append:
    """One row of the exchange's listing, with some fields changed."""
    row = {column.name: "x" for column in BINANCE_EXCHANGE_INFO.columns} | {"ingestion_ts": 0, **changes}
    fields = [field.with_nullable(True) for field in arrow_schema(BINANCE_EXCHANGE_INFO)]
    return Append(pa.Table.from_pylist([row], schema=pa.schema(fields)), f"rows {sorted(changes)}")


def test_every_table_that_a_node_writes_is_checked_by_its_own_contract() -> None:
    entries = {
        name: entry
        for file in CONF.glob("catalog_*.yml")
        for name, entry in yaml.safe_load(file.read_text(encoding="utf-8")).items()
        if isinstance(entry, dict) and entry.get("contract") == name
    }
    # Entries of other names only read; the run log is written by a hook, past the catalog.
    assert set(entries) == set(CONTRACTS)
    del entries["run_log"]
    for name, entry in entries.items():
        assert entry["validator"]["options"] == {"contract": name}
        assert entry["validator"]["on"] == "save"


def test_rows_that_break_the_contract_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    lake = catalog(tmp_path)
    lake.save(TABLE, snapshot())
    with pytest.raises(DataValidationError) as refused:
        lake.save(TABLE, snapshot(symbol=None))
    mistake = user_error_in(refused.value)
    assert isinstance(mistake, ContractError)
    assert "binance_exchange_info: not_null_symbol is broken by 1 of 1" in str(mistake)
    assert lake.load(TABLE).log.row_count() == 1


def test_the_check_can_be_switched_off_and_delta_still_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEDRO_DATASET_VALIDATION", "0")
    lake = catalog(tmp_path)
    with pytest.raises(Exception, match="symbol") as refused:
        lake.save(TABLE, snapshot(symbol=None))
    assert not isinstance(refused.value, DataValidationError)


def test_a_derivation_is_told_to_look_at_the_rows_it_will_write(tmp_path: Path) -> None:
    runs = LakeTable.at(CONTRACTS["kline_runs"], TableLocation(str(tmp_path / "kline_runs")))
    checked = ContractValidator("dim_exchange").validate(derive(gold.EXCHANGE, runs=runs))
    assert isinstance(checked, Derivation)
    checked.inspect(_exchange("binance"))
    with pytest.raises(ContractError, match="exchange_valid"):
        checked.inspect(_exchange("elsewhere"))


def _exchange(code: str) -> pl.DataFrame:
    row = {"exchange": code, "exchange_name": "x", "timezone": "UTC", "no_trade_policy": "x"}
    hour = datetime(2024, 1, 1, tzinfo=UTC)
    return pl.DataFrame([{**row, "first_candle": hour, "last_candle": hour}])
