"""How the lineage site looks at first sight: a colour per layer, no tour, no map over the layer names."""

from __future__ import annotations

import json
import re
from typing import Any

TITLE = "KlineForge lineage"

_LAYER_COLOURS = {
    "ingestion": "#6b7a99",
    "bronze": "#a9714b",
    "silver": "#8a97a6",
    "gold": "#c9a227",
    "marts": "#3a8f7b",
}
_FONT_LINKS = re.compile(r"[ \t]*<link[^>]*fonts\.(?:googleapis|gstatic)\.com[^>]*>\n?")
_PAGE_TITLE = re.compile(r"<title>[^<]*</title>")

# kedro-viz keeps what a visitor chose in localStorage; this is its state before any choice. Left as it is, on a first
# visit the mini-map covers the names of the lower layers and the feature tour covers the graph.
_FIRST_VISIT = {
    "visible": {"code": False, "graph": True, "miniMap": False, "sidebar": True, "slicing": True, "traceback": False},
    "showFeatureHints": False,
}
_STATE_KEY = "KedroViz"


def node_styles(layer: str) -> dict[str, Any]:
    """kedro-viz styles of a dataset in a layer, alike in the dark and the light theme.

    >>> node_styles("gold")["stroke"]
    '#c9a227'
    """
    colour = _LAYER_COLOURS.get(layer)
    return {} if colour is None else {"stroke": colour, "strokeWidth": "2px"}


def dressed_page(html: str) -> str:
    """kedro-viz's index page with our title and first-visit state, and without fonts from another host.

    Args:
        html: The page as kedro-viz ships it.

    Returns:
        The page; the site then loads nothing from anywhere but itself.
    """
    html = _FONT_LINKS.sub("", html)
    html = _PAGE_TITLE.sub(f"<title>{TITLE}</title>", html)
    state = json.dumps(json.dumps(_FIRST_VISIT))
    script = (
        f'<script>if (!localStorage.getItem("{_STATE_KEY}")) localStorage.setItem("{_STATE_KEY}", {state});</script>'
    )
    return html.replace("</head>", f"{script}\n</head>", 1)
