"""What ``mart_market_breadth_1h`` must hold. From docs/definitions.md."""

from __future__ import annotations

import numpy as np
import pandas as pd
from oracle.grid import Floats
from oracle.marts import ROUNDING

KEY = ["exchange", "open_timestamp"]
NONE = float("nan")


def oracle_breadth(returns: pd.DataFrame, volume: pd.DataFrame, correlations: pd.DataFrame) -> pd.DataFrame:
    """``mart_market_breadth_1h``, one hour after another, in extended precision.

    Args:
        returns: ``mart_returns_1h`` or what the oracle says of it.
        volume: ``mart_volume_metrics_1h`` or what the oracle says of it.
        correlations: ``mart_correlations`` or what the oracle says of it.

    Returns:
        The mart without ``year``, ordered by key, and ``undecided``: hours in which a close differs from its VWAP by
        rounding only.
    """
    prices, pairs = dict(list(volume.groupby(KEY))), dict(list(correlations.groupby(KEY)))
    rows = []
    for key, moves in returns.groupby(KEY, sort=True):
        known = prices[key].dropna(subset="vwap_24h")
        close, average = known["close_price"].to_numpy(float), known["vwap_24h"].to_numpy(float)
        rows.append(
            {
                **dict(zip(KEY, key, strict=True)),
                **_moves(_known(moves["return_pct"])),
                **_pairs(_known(pairs[key]["corr_24h"]) if key in pairs else np.array([])),
                "coins_with_vwap": len(known),
                "share_above_vwap_24h": sum(close > average) / len(known) if len(known) else NONE,
                "undecided": bool((np.abs(close - average) <= ROUNDING * average).any()),
            }
        )
    return pd.DataFrame(rows).astype({"open_timestamp": "datetime64[us, UTC]"})


def _known(values: pd.Series) -> Floats:
    return values.dropna().to_numpy(float)


def _moves(changes: Floats) -> dict[str, float]:
    number, up, down = len(changes), int((changes > 0).sum()), int((changes < 0).sum())
    exact = changes.astype(np.longdouble)
    return {
        "coins_with_return": number,
        "advancers": up,
        "decliners": down,
        "unchanged": number - up - down,
        "advance_decline_ratio": up / down if down else NONE,
        "mean_return": float(exact.mean()) if number else NONE,
        "return_dispersion": float(exact.std(ddof=1)) if number > 1 else NONE,
    }


def _pairs(correlations: Floats) -> dict[str, float]:
    number = len(correlations)
    mean = float(correlations.astype(np.longdouble).mean()) if number else NONE
    return {"pairs_with_correlation": number, "mean_corr_24h": mean}
