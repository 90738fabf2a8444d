"""Row-for-row comparison of a table with what the oracle says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

TOLERANCE = 1e-9
_CATEGORIES = frozenset(
    {
        *("volatility_regime", "correlation_regime", "corr_breakdown_alerts", "is_volume_spike", "mover_rank"),
        # A share of some coins jumps where one of them changes sides.
        "share_above_vwap_24h",
    }
)
_EXACT_NUMBERS = frozenset({"close_price", "prev_close", "volume", "quote_volume", "running_peak_price"})


def assert_same_table(actual: pd.DataFrame, expected: pd.DataFrame, key: Sequence[str]) -> None:
    """Fail with the first rows that differ.

    Keys, counts, prices and flags must be equal; statistics within 1e-9, absolute below 1 and relative above. A
    category is not compared where the oracle's column ``undecided`` says that rounding decides it.

    Args:
        actual: A table of the package; columns the oracle does not know are ignored.
        expected: The oracle's table.
        key: Columns that name a row.
    """
    keys = list(key)
    actual = actual.sort_values(keys, ignore_index=True)
    expected = expected.sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(actual[keys], expected[keys], check_dtype=False)
    decided = ~expected["undecided"].to_numpy(bool) if "undecided" in expected else np.ones(len(expected), bool)
    for name in expected.columns.difference([*keys, "undecided"], sort=False):
        differs = _differs(name, actual[name], expected[name])
        if name in _CATEGORIES:
            differs &= decided
        if differs.any():
            rows = expected.loc[differs, [*keys, name]].assign(found=actual.loc[differs, name])
            raise AssertionError(
                f"{differs.sum()} of {len(expected)} rows differ in {name}:\n{rows.head(5).to_string()}"
            )


def _differs(name: str, actual: pd.Series, expected: pd.Series) -> np.ndarray:
    missing_here, missing_there = actual.isna().to_numpy(), expected.isna().to_numpy()
    if not pd.api.types.is_float_dtype(expected) or name in _CATEGORIES:
        same = (actual == expected).to_numpy(bool)
    else:
        found, wanted = actual.to_numpy(float), expected.to_numpy(float)
        allowed = 0.0 if name in _EXACT_NUMBERS else TOLERANCE * np.maximum(1.0, np.abs(wanted))
        same = np.abs(found - wanted) <= allowed
    return (missing_here != missing_there) | ~(missing_here | same)
