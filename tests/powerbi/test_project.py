"""The Power BI project: what it refers to exists, its TMDL is well formed, and what is wrong is noticed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from klineforge.contracts import CONTRACTS
from klineforge.errors import ConfigurationError
from klineforge.measures.registry import Metric, metrics
from klineforge.powerbi import model
from klineforge.powerbi.__main__ import main
from klineforge.powerbi.model_files import SCHEMAS
from klineforge.powerbi.project import NAME, project_files, write_project
from klineforge.powerbi.references import unbalanced, unknown_in_measure, unknown_in_visual
from klineforge.powerbi.report_pages import PAGES
from klineforge.powerbi.schemas import schema_errors

FILES = project_files()
VISUALS = {path: text for path, text in FILES.items() if path.endswith("/visual.json")}
TMDL = {path: text for path, text in FILES.items() if path.endswith(".tmdl")}
ROLES = json.loads((Path(__file__).parent / "visual_roles.json").read_text("utf-8"))["roles"]
MEASURES = {row.label for row in model.measures()}


@pytest.mark.parametrize("path", VISUALS)
def test_visual_shows_fields_of_the_model_in_roles_that_exist(path: str) -> None:
    assert unknown_in_visual(VISUALS[path], model.fields()) == []
    visual = json.loads(VISUALS[path])["visual"]
    assert set(visual["query"]["queryState"]) <= set(ROLES[visual["visualType"]])


def test_visual_of_an_unknown_field_is_noticed() -> None:
    text = next(text for text in VISUALS.values() if '"Property": "coin"' in text)
    broken = text.replace('"Property": "coin"', '"Property": "koin"')
    assert unknown_in_visual(broken, model.fields()) == ["dim_coins.koin"]


@pytest.mark.parametrize("row", model.measures(), ids=lambda row: row.key)
def test_measure_refers_to_what_the_model_has(row: Metric) -> None:
    assert unknown_in_measure(row.dax, model.fields(), MEASURES) == []
    assert unbalanced(row.dax) is None


def test_columns_of_the_model_are_those_of_the_lake() -> None:
    for table in model.TABLES:
        held = set(
            re.findall(r"^\tcolumn (\S+)$", TMDL[f"{NAME}.SemanticModel/definition/tables/{table}.tmdl"], re.MULTILINE)
        )
        promised = {column.name for column in CONTRACTS[table].columns}
        assert held - promised == set(model.keys(table))
        assert set(re.findall(r'"(\w+)"', _selected(table))) <= promised


def _selected(table: str) -> str:
    text = TMDL[f"{NAME}.SemanticModel/definition/tables/{table}.tmdl"]
    return text.partition("Table.SelectColumns(Rows, {")[2].partition("}")[0]


def test_relationships_join_columns_of_the_model_one_active_way() -> None:
    fields, seen = model.fields(), set()
    for link in model.relationships():
        assert link.column in fields[link.table]
        assert link.to_column in fields[link.to_table]
        if link.is_active:
            assert (link.table, link.to_table) not in seen
            seen.add((link.table, link.to_table))
    assert {table for table, _ in seen} == set(model.TABLES) - {"dim_timestamp", "dim_exchange"}


def test_every_measure_of_the_registry_is_in_the_model() -> None:
    text = TMDL[f"{NAME}.SemanticModel/definition/tables/{model.MEASURES}.tmdl"]
    found = {quoted or plain for quoted, plain in re.findall(r"^\tmeasure (?:'([^']+)'|(\w+)) =$", text, re.MULTILINE)}
    assert found == {row.label for row in metrics().values() if row.dax}
    assert len(found) > 40


@pytest.mark.parametrize("path", TMDL)
def test_tmdl_is_indented_by_tabs_and_has_no_open_quote(path: str) -> None:
    depth = 0
    for number, line in enumerate(TMDL[path].splitlines(), 1):
        place = f"{path}:{number}: {line!r}"
        assert line == line.rstrip(), place
        assert not line.startswith(" "), place
        own = len(line) - len(line.lstrip("\t"))
        if line:
            assert own <= depth + 3, place
            depth = own
        if not line.lstrip().startswith("///"):
            assert line.count('"') % 2 == 0, place


def test_tmdl_has_every_identifier_once() -> None:
    tags = re.findall(r"lineageTag: (\S+)", "".join(TMDL.values()))
    assert len(tags) == len(set(tags)) > 100


def test_visuals_stand_inside_their_page_and_beside_each_other() -> None:
    for page, visuals in PAGES.items():
        boxes = [json.loads(text)["position"] for path, text in VISUALS.items() if f"/pages/{page}/" in path]
        assert len(boxes) == len(visuals)
        for box in boxes:
            assert box["x"] + box["width"] <= 1280
            assert box["y"] + box["height"] <= 720
        for one, other in ((a, b) for a in boxes for b in boxes if a["z"] < b["z"]):
            apart = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            above = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
            assert apart or above, (page, one, other)


def test_theme_has_the_name_that_the_report_asks_for() -> None:
    report = json.loads(FILES[f"{NAME}.Report/definition/report.json"])
    (item,) = report["resourcePackages"][0]["items"]
    theme = json.loads(FILES[f"{NAME}.Report/StaticResources/RegisteredResources/{item['path']}"])
    assert theme["name"] == item["name"] == report["themeCollection"]["customTheme"]["name"]


def test_project_is_written_and_written_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", str(tmp_path / "bi")]) == 0
    assert "KlineForge.pbip" in capsys.readouterr().out
    stale = tmp_path / "bi" / f"{NAME}.Report" / "definition" / "pages" / "old" / "page.json"
    stale.parent.mkdir()
    stale.write_text("{}")
    write_project(tmp_path / "bi")
    written = {str(file.relative_to(tmp_path / "bi")) for file in (tmp_path / "bi").rglob("*") if file.is_file()}
    assert written == set(FILES)


def test_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(ConfigurationError, match="is no Power BI project of KlineForge"):
        write_project(tmp_path)


def _schema(folder: Path) -> Path:
    """A copy of one schema, of our own making: the check is tested without Microsoft's."""
    place = folder / "fabric" / "pbip" / "pbipProperties" / "1.0.0" / "schema.json"
    place.parent.mkdir(parents=True)
    shared = folder / "fabric" / "version.json"
    shared.write_text(json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "const": "1.0"}))
    place.write_text(
        json.dumps(
            {
                "$id": f"{SCHEMAS}/pbip/pbipProperties/1.0.0/schema.json",
                "$schema": "http://json-schema.org/draft-07/schema#",
                "properties": {"version": {"$ref": "../../../version.json"}},
                "propertyNames": {"enum": ["$schema", "version", "artifacts", "settings"]},
            }
        )
    )
    return folder


def test_bad_property_is_caught_by_its_schema(tmp_path: Path) -> None:
    schemas = _schema(tmp_path)
    path = f"{NAME}.pbip"
    assert schema_errors({path: FILES[path]}, schemas) == []
    broken = FILES[path].replace('"version": "1.0"', '"version": "7", "colour": "red"')
    first, second = sorted(schema_errors({path: broken}, schemas))
    assert first == f"{path}: (whole file): 'colour' is not one of ['$schema', 'version', 'artifacts', 'settings']"
    assert second == f"{path}: version: '1.0' was expected"


def test_schema_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected a checkout of github.com/microsoft/json-schemas"):
        schema_errors(FILES, tmp_path)


def test_project_is_as_microsofts_schemas_say() -> None:
    folder = os.environ.get("KLINEFORGE_JSON_SCHEMAS")
    if not folder:
        pytest.skip("KLINEFORGE_JSON_SCHEMAS names no checkout of github.com/microsoft/json-schemas")
    assert schema_errors(FILES, Path(folder)) == []
    path, text = next(iter(VISUALS.items()))
    broken = text.replace('"visualType"', '"colour": 1, "visualType"')
    assert any("colour" in error for error in schema_errors({path: broken}, Path(folder)))
