"""How a column for models is described: the form of an entry of the feature catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from klineforge.domain.contract import Column, SqlType

Role = Literal["feature", "count", "label", "label_end", "label_scale"]

DAY, WEEK = 24, 168
"""Lengths of windows in hours."""
REFERENCE = "the reference coin (parameter indicators.reference_coin, BTCUSDT)"
"""What beta_720h and corr_btc_24h refer to, in words."""
# Observations below which a figure over so many hours is null: half of the window.
MINIMUM = {DAY: 12, WEEK: 84}


@dataclass(frozen=True)
class FeatureSpec:
    """One column of ``features_1h`` or ``labels_1h``.

    Args:
        name: Column, as a rule the figure's name and its window: ``volatility_24h``.
        dtype: Spark SQL type.
        unit: What it is measured in.
        formula: How it is computed, one sentence. ``t`` is ``open_timestamp``, ``W`` the listing's candles opened in
            ``(t - window, t]``.
        window_hours: Length of ``W``; None where all candles of the listing since its first count, 0 where there is no
            window.
        lookback_hours: No candle opened more than this many hours before ``open_timestamp`` is read; None where all
            older ones of the listing are.
        source: Table the figure, or what it is computed from, is in.
        null_rule: When it is null; None when it never is.
        count_column: Column with the number of observations it rests on; None where it rests on the candles of ``t``
            alone, or on two candles that the formula names.
        minimum: Observations below which it is null.
        horizon_hours: For labels: how many hours after ``available_at`` the last candle read closes; 0 for features.
        role: ``feature``; ``count`` of observations; ``label``, the instant ``label_end`` from which a label is known,
            ``label_scale``, which tells the distance of a label's barriers.
        check: SQL expression that no row may break.
        tolerance: As of :class:`~klineforge.domain.contract.Column`.
        since_version: Version of the package that brought the column, or its present meaning.
    """

    name: str
    dtype: SqlType
    unit: str
    formula: str
    window_hours: int | None
    lookback_hours: int | None
    source: str
    null_rule: str | None = None
    count_column: str | None = None
    minimum: int | None = None
    horizon_hours: int = 0
    role: Role = "feature"
    check: str | None = None
    tolerance: float | None = None
    since_version: str = "0.1.0"

    @property
    def column(self) -> Column:
        """The column of the table's contract."""
        return Column(
            self.name,
            self.dtype,
            self.formula,
            self.unit,
            self.null_rule,
            check=self.check,
            tolerance=self.tolerance,
        )
