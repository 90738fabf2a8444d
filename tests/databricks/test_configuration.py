"""``conf/databricks``: every entry is a name in a catalog or a file in a volume, and two schemas do not meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from kedro.framework.project import configure_project, pipelines, settings
from kedro.io import DataCatalog

from klineforge.contracts import CONTRACTS
from klineforge.datasets.delta_table import DeltaTableDataset
from klineforge.hooks import LakeHooks
from klineforge.lake.ddl import create_table
from klineforge.lake.location import TableLocation

ROOT = Path(__file__).resolve().parents[2]
PLACE_KEYS = {"path", "filepath", "table", "tables", "checks"}


def loader(**given: str) -> OmegaConfigLoader:
    configure_project("klineforge")
    return OmegaConfigLoader(
        conf_source=str(ROOT / "conf"), env="databricks", runtime_params=given, **settings.CONFIG_LOADER_ARGS
    )


def places(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every key of an entry that says where something is, nested datasets included."""
    for key, value in entry.items():
        if isinstance(value, Mapping):
            yield from places(value)
        elif key in PLACE_KEYS:
            yield key, str(value)


def all_places(**given: str) -> set[tuple[str, str]]:
    return {place for entry in loader(**given)["catalog"].values() for place in places(entry)}


def outside(found: set[tuple[str, str]], catalog: str, schema: str, volume: str) -> set[tuple[str, str]]:
    """Places that are neither names in the schema nor files in its volume."""

    def is_inside(key: str, value: str) -> bool:
        if key == "tables":
            return value == f"{catalog}.{schema}"
        return value.startswith(
            f"{catalog}.{schema}." if key == "table" else f"/Volumes/{catalog}/{schema}/{volume}"
        ) and ("://" not in value)

    return {(key, value) for key, value in found if not is_inside(key, value)}


def test_place_outside_is_found() -> None:
    bad = {("path", "data/landing"), ("table", "main.other.t"), ("filepath", "/tmp/x.json")}  # noqa: S108
    assert outside({*bad, ("table", "main.klineforge_dev.t")}, "main", "klineforge_dev", "files") == bad


def test_everything_is_in_the_schema_and_its_volume() -> None:
    found = all_places()
    assert len(found) > len(CONTRACTS)
    assert outside(found, "main", "klineforge_dev", "files") == set()


def test_parameters_of_a_run_move_everything() -> None:
    given = {"catalog": "trade", "schema": "kf_prod", "volume": "zone"}
    assert outside(all_places(**given), **given) == set()
    assert all_places(**given).isdisjoint(all_places())


def test_every_contract_has_a_table_by_its_name() -> None:
    tables = {entry["contract"]: entry["table"] for entry in loader()["catalog"].values() if "table" in entry}
    assert tables == {name: f"main.klineforge_dev.{name}" for name in CONTRACTS}


def test_every_dataset_of_every_pipeline_can_be_made() -> None:
    config = loader()
    catalog = DataCatalog.from_config(config["catalog"])
    wanted = {name for pipeline in pipelines.values() for name in pipeline.datasets() if not name.startswith("param")}
    made = {name: catalog.get(name) for name in wanted if name in catalog}
    # Findings of a check live for one run, in memory.
    assert {name for name in wanted - set(made) if "findings" not in name and "reconciliation" not in name} == set()
    assert all(dataset.location.path is None for dataset in made.values() if isinstance(dataset, DeltaTableDataset))


def test_entries_differ_from_the_local_ones_in_their_place_alone() -> None:
    configure_project("klineforge")
    base = OmegaConfigLoader(conf_source=str(ROOT / "conf"), env="base", **settings.CONFIG_LOADER_ARGS)["catalog"]
    here = loader()["catalog"]
    assert set(here) == set(base)

    def without_places(entry: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: without_places(value) if isinstance(value, Mapping) else value
            for key, value in entry.items()
            if key not in {*PLACE_KEYS, "metadata", "declares_keys"}
        }

    assert {name: without_places(entry) for name, entry in here.items()} == {
        name: without_places(entry) for name, entry in base.items()
    }


def test_tables_for_models_are_time_series_feature_tables_of_unity_catalog() -> None:
    declared = {name for name, entry in loader()["catalog"].items() if entry.get("declares_keys")}
    assert declared == {name for name, contract in CONTRACTS.items() if contract.is_time_series}
    catalog = DataCatalog.from_config(loader()["catalog"])
    for name in declared:
        table = catalog.get(name)
        assert isinstance(table, DeltaTableDataset)
        statement = create_table(table.contract, table.location)
        key = f"CONSTRAINT `{name}_key` PRIMARY KEY (`exchange`, `coin`, `available_at` TIMESERIES)"
        assert statement.count(key) == 1
        # A primary key takes no column that may be null.
        for column in ("`exchange` STRING", "`coin` STRING", "`available_at` TIMESTAMP"):
            assert f"{column} NOT NULL" in statement
        # Delta by itself knows no keys.
        assert "PRIMARY KEY" not in create_table(table.contract, TableLocation(name=f"lake.{name}"))


def test_no_jars_and_no_setting_of_a_local_spark() -> None:
    config = OmegaConfigLoader(
        conf_source=str(ROOT / "conf"), base_env="", default_run_env="databricks", config_patterns={"spark": ["spark*"]}
    )
    assert config["spark"] == {}


def test_hooks_neither_lock_nor_log_in_a_folder() -> None:
    class Context:
        config_loader = loader()
        project_path = ROOT

    hooks = LakeHooks()
    hooks.after_context_created(Context())  # type: ignore[arg-type]
    assert hooks._lake is None
