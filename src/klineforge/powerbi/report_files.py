"""The report as files: PBIR pages laid out on a grid, and the theme."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from klineforge.measures.registry import PAGES as TITLES
from klineforge.powerbi.model import MEASURES
from klineforge.powerbi.model_files import SCHEMAS, as_json, platform, tag
from klineforge.powerbi.report_pages import PAGES, Field, Visual
from klineforge.views.theme import DARK

WIDTH, HEIGHT = 1280, 720
THEME_FILE: Final = "KlineForge.json"
_DEFINITION: Final = f"{SCHEMAS}/item/report/definition"
_GAP, _SMALL, _CARD = 12, 64, 92
_ABREAST: Final = 2
Place = tuple[int, int, int, int]


def report_files() -> dict[str, str]:
    """Every file of the report by its path inside the report's folder."""
    files = {
        ".platform": platform("Report"),
        "definition.pbir": as_json(
            {
                "$schema": f"{SCHEMAS}/item/report/definitionProperties/2.0.0/schema.json",
                "version": "4.0",
                "datasetReference": {"byPath": {"path": "../KlineForge.SemanticModel"}},
            }
        ),
        "definition/version.json": as_json(
            {"$schema": f"{_DEFINITION}/versionMetadata/1.0.0/schema.json", "version": "2.0.0"}
        ),
        "definition/report.json": as_json(_report()),
        "definition/pages/pages.json": as_json(
            {
                "$schema": f"{_DEFINITION}/pagesMetadata/1.0.0/schema.json",
                "pageOrder": list(PAGES),
                "activePageName": next(iter(PAGES)),
            }
        ),
        f"StaticResources/RegisteredResources/{THEME_FILE}": as_json(theme()),
    }
    for page, visuals in PAGES.items():
        files[f"definition/pages/{page}/page.json"] = as_json(_page(page))
        for number, (visual, place) in enumerate(zip(visuals, _places(visuals), strict=True)):
            made = _visual(page, number, visual, place)
            files[f"definition/pages/{page}/visuals/{made['name']}/visual.json"] = as_json(made)
    return files


def theme() -> dict[str, Any]:
    """The dashboard's dark colours as a theme of Power BI."""
    text = {"color": DARK.text, "fontFace": "Segoe UI"}
    solid = {"show": True, "transparency": 0}
    everywhere = {
        "background": [{**solid, "color": {"solid": {"color": DARK.card}}}],
        "border": [{"show": True, "color": {"solid": {"color": DARK.border}}, "radius": 12}],
        "title": [{"show": True, "fontColor": {"solid": {"color": DARK.soft}}, "fontSize": 11}],
    }
    page = [{"color": {"solid": {"color": DARK.page}}, "transparency": 0}]
    return {
        # Power BI finds the theme by the name that report.json says.
        "name": THEME_FILE,
        "dataColors": list(DARK.series),
        "background": DARK.page,
        "foreground": DARK.text,
        "tableAccent": DARK.accent,
        "good": DARK.green,
        "bad": DARK.red,
        "neutral": DARK.grey,
        "minimum": DARK.green,
        "center": DARK.card,
        "maximum": DARK.red,
        "textClasses": {
            "callout": {**text, "fontSize": 28},
            "title": {**text, "fontSize": 12},
            "label": {"color": DARK.muted, "fontFace": "Segoe UI", "fontSize": 10},
        },
        "visualStyles": {"*": {"*": everywhere}, "page": {"*": {"background": page, "outspace": page}}},
    }


def _report() -> dict[str, Any]:
    versions = {"visual": "2.9.0", "report": "3.3.0", "page": "2.1.0"}
    item = {"name": THEME_FILE, "path": THEME_FILE, "type": "CustomTheme"}
    kind = "RegisteredResources"
    return {
        "$schema": f"{_DEFINITION}/report/3.3.0/schema.json",
        "themeCollection": {"customTheme": {"name": THEME_FILE, "reportVersionAtImport": versions, "type": kind}},
        "resourcePackages": [{"name": kind, "type": kind, "items": [item]}],
    }


def _page(page: str) -> dict[str, Any]:
    return {
        "$schema": f"{_DEFINITION}/page/2.1.0/schema.json",
        "name": page,
        "displayName": TITLES[page],
        "displayOption": "FitToPage",
        "height": HEIGHT,
        "width": WIDTH,
    }


def _places(visuals: Sequence[Visual]) -> Iterator[Place]:
    """Left, top, width and height of each: a row of slicers, a row of cards, the others two abreast."""
    slicers = sum(visual.kind == "slicer" for visual in visuals)
    cards = sum(visual.kind == "card" for visual in visuals)
    others = len(visuals) - slicers - cards
    rows = -(-others // _ABREAST)
    top = 3 * _GAP + _SMALL + _CARD
    height = (HEIGHT - top - _GAP * rows) // rows
    yield from _row(slicers, _GAP, _SMALL)
    yield from _row(cards, 2 * _GAP + _SMALL, _CARD)
    for row in range(rows):
        count = min(_ABREAST, others - row * _ABREAST)
        yield from _row(count, top + row * (height + _GAP), height)


def _row(count: int, top: int, height: int) -> Iterator[Place]:
    width = (WIDTH - _GAP * (count + 1)) // count
    for place in range(count):
        yield (_GAP + place * (width + _GAP), top, width, height)


def _visual(page: str, number: int, visual: Visual, place: Place) -> dict[str, Any]:
    left, top, width, height = place
    roles = {role: {"projections": [_projection(field) for field in found]} for role, found in visual.roles.items()}
    title = {"show": _literal("true"), "text": _literal("'" + visual.title.replace("'", "''") + "'")}
    return {
        "$schema": f"{_DEFINITION}/visualContainer/2.9.0/schema.json",
        "name": tag("visual", page, str(number)).replace("-", "")[:20],
        "position": {"x": left, "y": top, "z": number, "width": width, "height": height, "tabOrder": number},
        "visual": {
            "visualType": visual.kind,
            "query": {"queryState": roles},
            "visualContainerObjects": {"title": [{"properties": title}]},
            "drillFilterOtherVisuals": True,
        },
    }


def _projection(field: Field) -> dict[str, Any]:
    table, name = field
    kind = "Measure" if table == MEASURES else "Column"
    return {
        "field": {kind: {"Expression": {"SourceRef": {"Entity": table}}, "Property": name}},
        "queryRef": f"{table}.{name}",
        "nativeQueryRef": name,
    }


def _literal(value: str) -> dict[str, Any]:
    return {"expr": {"Literal": {"Value": value}}}
