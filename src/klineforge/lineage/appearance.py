"""How the lineage site looks at first sight: a colour per layer, a legend, no tour, no map over the layer names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

TITLE = "KlineForge lineage"


@dataclass(frozen=True, slots=True)
class LayerLook:
    """The colour of a layer's datasets (CSS) and what the legend says of it."""

    colour: str
    meaning: str


LAYERS = {
    "ingestion": LayerLook("#7d8fb8", "what the exchange offers, and what is missing of it"),
    "bronze": LayerLook("#a9714b", "records exactly as received, with their source"),
    "silver": LayerLook("#8a97a6", "typed, checked candles; rejects and gaps kept apart"),
    "gold": LayerLook("#c9a227", "dimensions: coins, exchanges, hours"),
    "marts": LayerLook("#3a9f83", "figures for dashboards, reports and models"),
    "features": LayerLook("#6c7ae0", "for models: what is known when a candle has closed, and what became of it"),
    "operations": LayerLook("#b0567a", "how the warehouse is doing: checks, runs, alerts"),
    "report": LayerLook("#6f6fc8", "what people look at: pages and the files made of them"),
}
_HOW_TO_READ = (
    "Data moves down. Rounded boxes are data: click a table for its newest rows. Square boxes are steps: click one for "
    "its code. Scroll to zoom; the menu at the top left shows one pipeline alone."
)

_FONT_LINKS = re.compile(r"[ \t]*<link[^>]*fonts\.(?:googleapis|gstatic)\.com[^>]*>\n?")
_PAGE_TITLE = re.compile(r"<title>[^<]*</title>")

# kedro-viz keeps what a visitor chose in localStorage; this is its state before any choice. Left as it is, on a first
# visit the mini-map covers the names of the lower layers and the feature tour covers the graph.
_FIRST_VISIT = {
    "visible": {"code": False, "graph": True, "miniMap": False, "sidebar": True, "slicing": True, "traceback": False},
    "showFeatureHints": False,
}
_STATE_KEY = "KedroViz"

# Below the panels of kedro-viz, above its graph, clear of its run status, deaf to the mouse, in a grey that both of its
# themes can carry.
_LEGEND_STYLE = (
    "position:fixed;right:16px;bottom:72px;max-width:24em;z-index:1;pointer-events:none;"
    "font:12px/1.6 sans-serif;color:#8f8f8f"
)


def node_styles(layer: str) -> dict[str, Any]:
    """kedro-viz styles of a dataset in a layer, alike in the dark and the light theme.

    >>> node_styles("gold")["stroke"]
    '#c9a227'
    """
    look = LAYERS.get(layer)
    return {} if look is None else {"stroke": look.colour, "strokeWidth": "2px"}


def dressed_page(html: str) -> str:
    """kedro-viz's index page with our title, legend and first-visit state, and without fonts from another host.

    Args:
        html: The page as kedro-viz ships it.

    Returns:
        The page; the site then loads nothing from anywhere but itself.
    """
    html = _FONT_LINKS.sub("", html)
    html = _PAGE_TITLE.sub(f"<title>{TITLE}</title>", html)
    html = html.replace("</head>", f"{_first_visit_script()}\n</head>", 1)
    return html.replace("</body>", f"{_legend()}\n</body>", 1)


def _first_visit_script() -> str:
    state = json.dumps(json.dumps(_FIRST_VISIT))
    return f'<script>if (!localStorage.getItem("{_STATE_KEY}")) localStorage.setItem("{_STATE_KEY}", {state});</script>'


def _legend() -> str:
    lines = "".join(
        f'<div><b style="color:{look.colour}">{name}</b> {look.meaning}</div>' for name, look in LAYERS.items()
    )
    return f'<aside style="{_LEGEND_STYLE}"><b>{TITLE}</b>{lines}<div>{_HOW_TO_READ}</div></aside>'
