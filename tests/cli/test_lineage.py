"""The lineage site, built from a small project."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from klineforge.contracts import CONTRACTS
from klineforge.errors import ConfigurationError
from klineforge.lineage.appearance import LAYERS, TITLE, dressed_page, node_styles
from klineforge.lineage.site import browse_hint, build_site
from klineforge.reporting.health import read_health

Kedro = Callable[..., subprocess.CompletedProcess[str]]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PAGE = """<html><head>
<title>Kedro-Viz</title>
<link rel="preconnect" href="https://fonts.googleapis.com" />
<link
  href="https://fonts.googleapis.com/css2?family=Inter"
  rel="stylesheet"
/>
<script src="./assets/index.js"></script>
</head><body></body></html>
"""


def described(site: Path, name: str) -> dict[str, object]:
    nodes = json.loads((site / "api" / "main").read_text(encoding="utf-8"))["nodes"]
    (node,) = (node for node in nodes if node["name"] == name)
    metadata: dict[str, object] = json.loads((site / "api" / "nodes" / node["id"]).read_text(encoding="utf-8"))
    return {**node, **metadata}


def test_lineage_command_builds_a_site_with_previews_and_says_how_to_browse(kedro: Kedro, small_project: Path) -> None:
    result = kedro("klineforge", "lineage", "--output", "site/lineage")

    assert result.returncode == 0, result.stderr
    assert "python3 -m http.server --bind 127.0.0.1 --directory site/lineage" in result.stdout
    site = small_project / "site" / "lineage"
    movers = described(site, "mart_top_movers")
    assert movers["preview"] == {"index": [0], "columns": ["coin"], "data": [["BTCUSDT"]]}
    assert movers["filepath"] == "warehouse/table"
    assert movers["node_extras"] == {"stats": None, "styles": node_styles("marts")}
    assert described(site, "rank_top_movers")["filepath"] == "src/smallproject/nodes.py"
    assert json.loads((site / "api" / "main").read_text(encoding="utf-8"))["layers"] == ["marts", "silver"]
    page = (site / "index.html").read_text(encoding="utf-8")
    assert "https://" not in page
    assert "heap" not in page


def test_build_site_over_foreign_files_refuses(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="holds something else than a lineage site"):
        build_site(tmp_path, tmp_path, lake=tmp_path / "lake", now=NOW)

    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_browse_hint_lake_without_tables_says_why_there_are_no_previews(tmp_path: Path) -> None:
    hint = browse_hint(tmp_path / "site", read_health(tmp_path / "lake", NOW))

    assert f"--directory {tmp_path / 'site'}" in hint
    assert "has no tables yet" in hint


def test_dressed_page_loads_nothing_from_elsewhere_and_keeps_its_own() -> None:
    page = dressed_page(PAGE)

    assert "https://" not in page
    assert '<script src="./assets/index.js"></script>' in page
    assert f"<title>{TITLE}</title>" in page
    assert page.count("</head>") == 1


def test_dressed_page_first_visit_state_leaves_a_visitors_choice_alone() -> None:
    assert 'if (!localStorage.getItem("KedroViz"))' in dressed_page(PAGE)


def test_dressed_page_legend_names_every_layer_in_its_colour() -> None:
    page = dressed_page(PAGE)

    assert all(f'<b style="color:{look.colour}">{name}</b>' in page for name, look in LAYERS.items())
    assert page.index("<aside") < page.index("</body>")


def test_node_styles_layers_differ_in_colour() -> None:
    assert len({node_styles(layer)["stroke"] for layer in LAYERS}) == len(LAYERS)
    assert set(LAYERS) == {"ingestion", "report", *(contract.layer for contract in CONTRACTS.values())}


def test_node_styles_unknown_layer_has_none() -> None:
    assert node_styles("somewhere") == {}
