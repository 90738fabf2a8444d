"""The semantic model as files: TMDL, and what Power BI wants around it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Final

from klineforge.contracts import CONTRACTS
from klineforge.measures.registry import Metric
from klineforge.powerbi import model
from klineforge.powerbi.tmdl import block, description, name, property_lines

SCHEMAS: Final = "https://developer.microsoft.com/json-schemas/fabric"
_TAGS: Final = uuid.UUID("6f9d6d0b-2c1e-5a70-9d0c-7b4d6f2a11ee")
_PARAMETERS: Final = {
    "DataSource": ("Delta", "Delta: tables in folders below LakeFolder; Databricks: tables of Unity Catalog."),
    "LakeFolder": (r"C:\klineforge\data", "Root of the lake: tables are at <LakeFolder>/<layer>/<table>."),
    "DatabricksHost": ("adb-0000000000000000.0.azuredatabricks.net", "Server of a SQL warehouse."),
    "DatabricksPath": ("/sql/1.0/warehouses/0000000000000000", "HTTP path of a SQL warehouse."),
    "DatabricksCatalog": ("main", "Catalog of the tables."),
    "DatabricksSchema": ("klineforge", "Schema of the tables."),
}
_FUNCTIONS: Final = {
    "LakeTable": """(layer as text, table as text) as table =>
	if DataSource = "Databricks" then
		Databricks.Catalogs(DatabricksHost, DatabricksPath, [Catalog = DatabricksCatalog, Database = null])
			{[Name = DatabricksCatalog, Kind = "Database"]}[Data]
			{[Name = DatabricksSchema, Kind = "Schema"]}[Data]
			{[Name = table, Kind = "Table"]}[Data]
	else
		DeltaLake.Table(Folder.Contents(LakeFolder & "/" & layer & "/" & table))""",
    "UtcHour": """(instant as any) as nullable datetime =>
	if instant is datetimezone then DateTimeZone.RemoveZone(DateTimeZone.ToUtc(instant)) else instant""",
}


def tag(*path: str) -> str:
    """An identifier that stays the same from one writing to the next."""
    return str(uuid.uuid5(_TAGS, "/".join(path)))


def model_files() -> dict[str, str]:
    """Every file of the semantic model by its path inside the model's folder."""
    tables = {f"definition/tables/{table}.tmdl": _lines(_table(table)) for table in model.TABLES}
    return {
        ".platform": platform("SemanticModel"),
        "definition.pbism": as_json(
            {"$schema": f"{SCHEMAS}/item/semanticModel/definitionProperties/1.0.0/schema.json", "version": "4.2"}
            | {"settings": {}}
        ),
        "definition/database.tmdl": "database\n\tcompatibilityLevel: 1600\n",
        "definition/model.tmdl": _lines(_model()),
        "definition/expressions.tmdl": _lines(_expressions()),
        "definition/relationships.tmdl": _lines(_relationships()),
        **tables,
        f"definition/tables/{model.MEASURES}.tmdl": _lines(_measures(model.measures())),
        f"definition/tables/{model.AMOUNT}.tmdl": _lines(_amount()),
    }


def platform(kind: str) -> str:
    """The file by which Fabric knows a folder.

    Args:
        kind: ``SemanticModel`` or ``Report``.
    """
    return as_json(
        {
            "$schema": f"{SCHEMAS}/gitIntegration/platformProperties/2.0.0/schema.json",
            "metadata": {"type": kind, "displayName": "KlineForge"},
            "config": {"version": "2.0", "logicalId": tag(kind)},
        }
    )


def as_json(document: object) -> str:
    """A document as Power BI writes them."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _model() -> Iterator[str]:
    yield "model Model"
    yield from property_lines(
        [("culture", "en-US"), ("defaultPowerBIDataSourceVersion", "powerBI_V3"), ("sourceQueryCulture", "en-US")], 1
    )
    yield "\tdataAccessOptions"
    yield from property_lines([("legacyRedirects", None), ("returnErrorValuesAsNull", None)], 2)
    yield ""
    # No hidden calendar per column of times: dim_timestamp is the calendar.
    yield "annotation __PBI_TimeIntelligenceEnabled = 0"
    yield ""
    for table in (model.MEASURES, model.AMOUNT, *model.TABLES):
        yield f"ref table {name(table)}"


def _expressions() -> Iterator[str]:
    for parameter, (value, about) in _PARAMETERS.items():
        yield from description(about, 0)
        meta = '[IsParameterQuery = true, Type = "Text", IsParameterQueryRequired = true]'
        yield f'expression {parameter} = "{value}" meta {meta}'
        yield from property_lines([("lineageTag", tag("expression", parameter))], 1)
        yield ""
    for function, text in _FUNCTIONS.items():
        yield f"expression {function} ="
        yield from block(text, 2)
        yield from property_lines([("lineageTag", tag("expression", function))], 1)
        yield ""


def _relationships() -> Iterator[str]:
    for link in model.relationships():
        yield f"relationship {tag('relationship', link.table, link.column)}"
        if not link.is_active:
            yield "\tisActive: false"
        yield f"\tfromColumn: {name(link.table)}.{name(link.column)}"
        yield f"\ttoColumn: {name(link.to_table)}.{name(link.to_column)}"
        yield ""


def _table(table: str) -> Iterator[str]:
    contract = CONTRACTS[table]
    yield from description(contract.description, 0)
    yield f"table {name(table)}"
    yield from property_lines([("lineageTag", tag("table", table))], 1)
    if table == "dim_timestamp":
        yield "\tdataCategory: Time"
    yield ""
    for column in model.columns(table):
        yield from description(column.comment, 1)
        yield f"\tcolumn {name(column.name)}"
        yield f"\t\tdataType: {model.data_type(column)}"
        if column.type in {"TIMESTAMP", "DATE"}:
            yield f"\t\tformatString: yyyy-mm-dd{' hh:nn' if column.type == 'TIMESTAMP' else ''}"
        if (table, column.name) in {("dim_timestamp", "ts"), ("dim_exchange", "exchange")}:
            yield "\t\tisKey"
        yield from _column_end(table, column.name)
    for key in model.keys(table):
        yield from description("Exchange and coin together, as relationships need one column.", 1)
        yield f"\tcolumn {key}"
        yield from property_lines([("dataType", "string"), ("isHidden", None)], 2)
        if table == "dim_coins":
            yield "\t\tisKey"
        yield from _column_end(table, key)
    yield f"\tpartition {name(table)} = m"
    yield "\t\tmode: import"
    yield "\t\tsource ="
    yield from block(_query(table), 4)


def _column_end(table: str, column: str) -> Iterator[str]:
    yield from property_lines(
        [("lineageTag", tag("column", table, column)), ("summarizeBy", "none"), ("sourceColumn", column)], 2
    )
    yield ""


def _query(table: str) -> str:
    """The M that reads a table: its columns, times in UTC without a zone, keys of coins."""
    held = model.columns(table)
    listed = ", ".join(f'"{column.name}"' for column in held)
    times = ", ".join(
        f'{{"{column.name}", UtcHour, type nullable datetime}}' for column in held if column.type == "TIMESTAMP"
    )
    steps = [("Rows", f'LakeTable("{CONTRACTS[table].layer}", "{table}")')]
    steps.append(("Chosen", f"Table.SelectColumns(Rows, {{{listed}}})"))
    if times:
        steps.append(("Utc", f"Table.TransformColumns({steps[-1][0]}, {{{times}}})"))
    if table == "dim_coins":
        # A symbol that named two assets has two rows; its key must be of one.
        steps.append(("Current", f"Table.SelectRows({steps[-1][0]}, each [is_current])"))
    for source, key in model.KEYS.items():
        if key in model.keys(table):
            added = f'Table.AddColumn({steps[-1][0]}, "{key}", each [exchange] & "|" & [{source}], type text)'
            steps.append((key, added))
    body = ",\n".join(f"\t{step} = {text}" for step, text in steps)
    return f"let\n{body}\nin\n\t{steps[-1][0]}"


def _measures(rows: Iterable[Metric]) -> Iterator[str]:
    yield from description("Figures of the metric registry; docs/metrics.md defines them.", 0)
    yield f"table {model.MEASURES}"
    yield from property_lines([("lineageTag", tag("table", model.MEASURES))], 1)
    yield ""
    for row in rows:
        yield from description(row.definition, 1)
        yield f"\tmeasure {name(row.label)} ="
        yield from block(row.dax, 3)
        if (text := model.format_string(row)) is not None:
            yield f"\t\tformatString: {text}"
        yield from property_lines([("displayFolder", model.folder(row)), ("lineageTag", tag("measure", row.key))], 2)
        yield ""
    yield "\tcolumn Value"
    yield from property_lines([("isHidden", None), ("isNameInferred", None), ("sourceColumn", "[Value]")], 2)
    yield ""
    yield f"\tpartition {model.MEASURES} = calculated"
    yield "\t\tmode: import"
    yield "\t\tsource = {BLANK()}"


def _amount() -> Iterator[str]:
    yield from description("What-if parameter of the investment simulator.", 0)
    yield f"table {name(model.AMOUNT)}"
    yield from property_lines([("lineageTag", tag("table", model.AMOUNT))], 1)
    yield ""
    yield f"\tcolumn {name(model.AMOUNT)}"
    yield from property_lines(
        [
            ("lineageTag", tag("column", model.AMOUNT)),
            ("summarizeBy", "none"),
            ("isNameInferred", None),
            ("sourceColumn", "[Value]"),
        ],
        2,
    )
    yield ""
    yield f"\tpartition {name(model.AMOUNT)} = calculated"
    yield "\t\tmode: import"
    yield "\t\tsource = GENERATESERIES(100, 10000, 100)"
