"""What distinguishes two versions of a table, column by column as the contract means it."""

from __future__ import annotations

import polars as pl

from klineforge.contracts import CONTRACTS
from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.label_catalogue import LABELS

TOLERANCE = 1e-9

# Columns whose last bits may depend on how a sum is arranged. Everything else must be equal: keys, instants, flags,
# categories, counts, and the prices and volumes that are copied from the fact.
STATISTICS = frozenset(
    {
        *("return_pct", "log_return", "rolling_vol_24h", "drawdown_pct"),
        *("rolling_volume_24h", "avg_volume_24h", "volume_spike_ratio", "vwap_24h"),
        *("mover_signal", "corr_24h"),
        *("mean_return", "return_dispersion", "mean_corr_24h"),
        *(spec.name for spec in (*FEATURES, *LABELS) if spec.dtype == "DOUBLE"),
    }
)


def differences(found: pl.DataFrame, wanted: pl.DataFrame, name: str) -> list[str]:
    """What distinguishes two versions of a table; nothing when they are the same.

    Args:
        found: What the lake holds, columns as in the contract.
        wanted: What it should hold.
        name: The table's name.
    """
    keys = list(CONTRACTS[name].grain)
    repeated = found.filter(pl.struct(keys).is_duplicated()).height
    missing = wanted.select(keys).join(found, on=keys, how="anti")
    extra = found.select(keys).join(wanted, on=keys, how="anti")
    if repeated or missing.height or extra.height:
        rows = f"{found.height} rows instead of {wanted.height}, {repeated} of which repeat a key"
        return [f"{name}: {rows}; missing: {missing.rows()[:3]}; too many: {extra.rows()[:3]}"]
    both = found.join(wanted, on=keys, how="inner", suffix=" wanted", validate="1:1")
    return [line for column in wanted.columns if column not in keys for line in _differing(both, column, name)]


def _differing(both: pl.DataFrame, column: str, name: str) -> list[str]:
    found, wanted = pl.col(column), pl.col(f"{column} wanted")
    same = found.eq_missing(wanted)
    if column in STATISTICS:
        allowed = TOLERANCE * pl.max_horizontal(pl.lit(1.0), wanted.abs())
        same = same | ((found - wanted).abs() <= allowed).fill_null(value=False)
    wrong = both.filter(~same)
    if wrong.is_empty():
        return []
    first = {key: value for key, value in wrong.row(0, named=True).items() if not key.endswith(" wanted")}
    return [f"{name}.{column}: {wrong.height} rows differ, {wrong[f'{column} wanted'][0]!r} is wanted in {first}"]
