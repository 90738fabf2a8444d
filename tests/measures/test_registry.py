"""The metric registry: what it names exists, and a broken one is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from klineforge.contracts import CONTRACTS
from klineforge.measures.document import main, render
from klineforge.measures.registry import PAGES, Metric, metric, metrics, parsed

ROOT = Path(__file__).parents[2]
ROW = """
[{key}]
label = "{label}"
unit = "fraction"
format = "{format}"
definition = "Something."
formula = "x"
source = "mart_returns_1h.close_price"
see = "data-dictionary.md#mart_returns_1h"
pages = ["{page}"]
dax = "{dax}"
"""


def _row(**changed: str) -> str:
    chosen = {"key": "x", "label": "X", "format": "percent", "page": "market_pulse", "dax": "mean"} | changed
    return ROW.format(**chosen)


def _anchors(text: str) -> set[str]:
    """Anchors of a document as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("row", metrics().values(), ids=lambda row: row.key)
def test_metric_names_what_exists(row: Metric) -> None:
    document, _, anchor = row.see.partition("#")
    assert anchor in _anchors((ROOT / "docs" / document).read_text(encoding="utf-8"))
    if row.column is not None:
        table, column = row.column
        assert column in {known.name for known in CONTRACTS[table].all_columns}
    assert row.definition.endswith(".")


def test_every_page_has_figures_of_its_own() -> None:
    for page in PAGES:
        assert any(row.pages == (page,) for row in metrics().values()), page


def test_document_has_the_anchor_of_every_metric() -> None:
    anchors = _anchors(render(metrics().values()))
    assert {row.anchor.partition("#")[2] for row in metrics().values()} <= anchors


def test_document_out_of_date_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "metrics.md"
    assert main(["--output", str(document)]) == 0
    assert main(["--check", "--output", str(document)]) == 0
    document.write_text(document.read_text(encoding="utf-8") + "x", encoding="utf-8")
    assert main(["--check", "--output", str(document)]) == 1
    assert "run make docs" in capsys.readouterr().err


def test_metric_of_unknown_key_lists_those_there_are() -> None:
    with pytest.raises(KeyError, match="no metric 'nothing' in the registry; known: advance_decline_ratio"):
        metric("nothing")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_row(format="furlongs"), "metric x: format 'furlongs' is none of percent"),
        (_row(page="page_six"), r"metric x: pages \['page_six'\] must be some of market_pulse"),
        (_row() + _row(key="y", label="x"), "metrics x and y have one label, 'x'"),
        (_row() + 'colour = "red"\n', r"metric x: missing \[\], unknown \['colour'\]"),
        (_row().replace('unit = "fraction"\n', ""), r"metric x: missing \['unit'\]"),
    ],
)
def test_registry_that_is_wrong_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parsed(text)


def test_dax_short_forms_are_written_out() -> None:
    assert parsed(_row(dax="mean"))["x"].dax == "AVERAGE('mart_returns_1h'[close_price])"
    assert parsed(_row(dax="latest"))["x"].dax.startswith("VAR Newest = MAX('mart_returns_1h'[open_timestamp])\nRETURN")
    assert parsed(_row(dax="1 + 1"))["x"].dax == "1 + 1"
