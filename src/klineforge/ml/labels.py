"""Labels made from candles in memory, for horizons and barriers that ``labels_1h`` does not have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, TypeAlias

import polars as pl

from klineforge.domain.hours import HOUR
from klineforge.errors import ConfigurationError, ContractError
from klineforge.ml.arguments import parse_names
from klineforge.ml.barriers import Barriers, touched
from klineforge.ml.frames import (
    AnyFrame,
    Kind,
    as_kind,
    kind_of,
    require_columns,
    require_kind,
    to_polars,
    with_moments,
)
from klineforge.ml.joining import AVAILABLE_AT

LabelKind: TypeAlias = Literal["log_return", "direction", "triple_barrier"]
_KINDS = ("log_return", "direction", "triple_barrier")
_OPENED, _CLOSE, _LISTING = "open_timestamp", "close_price", "listing_seq"
_SERIES = ("exchange", "coin", _LISTING)
_MICROSECONDS = HOUR // timedelta(microseconds=1)
_HORIZON = re.compile(r"(\d{1,4})(h|d)")


def make_labels(
    candles: AnyFrame,
    *,
    horizons: str | Sequence[str] = ("1h", "24h"),
    label: LabelKind = "log_return",
    barriers: Barriers | None = None,
    kind: Kind | None = None,
) -> AnyFrame:
    """What became of each coin after each candle.

    With the horizons, barriers and parameters of ``labels_1h`` the figures are those of ``labels_1h``. No label reaches
    from one listing into the next.

    Args:
        candles: ``fact_1h_klines`` or a table with its columns ``exchange``, ``coin``, ``open_timestamp`` and
            ``close_price``, in any order; without ``listing_seq`` each coin is one listing.
        horizons: How far to look ahead: ``1h``, ``24h``, ``7d``.
        label: ``log_return``: ln(close of the candle opened exactly the horizon later / close), float64.
            ``direction``: 1 where that is above zero, else 0, float64 so that it can be null. ``triple_barrier``: 1 or
            -1 for the barrier that a close reaches first, 0 where none does; the label ends with that close.
        barriers: Of ``triple_barrier``; one volatility each when left out.
        kind: What to give; as the candles are when left out.

    Returns:
        One row per candle and horizon: ``exchange``, ``coin``, ``available_at``, ``horizon``, ``y`` (float64), ``t1``
        (when it is known, UTC), sorted by horizon in the order given, then the key. ``y`` and ``t1`` are null where the
        candle that decides does not exist or has not closed yet; for barriers, where any hour of the horizon lacks
        its candle, touched before or not: or the newest labels would be those that end early.

    Raises:
        ConfigurationError: When a horizon, ``label`` or ``kind`` cannot be used, or another label is given barriers.
        ContractError: When a column is missing, naive or null, prices are not above zero, or a candle is there twice.
    """
    wanted = kind_of(candles) if kind is None else kind
    require_kind(wanted)
    if label not in _KINDS:
        raise ConfigurationError(f"label must be one of {', '.join(_KINDS)}, found {label!r}")
    if barriers is not None and label != "triple_barrier":
        raise ConfigurationError(f"barriers belong to label='triple_barrier', found label={label!r}")
    hours = {name: _hours(name) for name in parse_names(horizons) or ()}
    rows = _taken(to_polars(candles, "the candles"))
    made = [
        _with_barriers(rows, ahead, barriers or Barriers())
        if label == "triple_barrier"
        else _forward(rows, ahead, label)
        for ahead in hours.values()
    ]
    columns = ("exchange", "coin", AVAILABLE_AT, "horizon", "y", "t1")
    named = [part.with_columns(pl.lit(name).alias("horizon")) for name, part in zip(hours, made, strict=True)]
    return as_kind(pl.concat(part.select(columns) for part in named), wanted)


def _hours(horizon: str) -> int:
    found = _HORIZON.fullmatch(str(horizon))
    hours = int(found[1]) * (24 if found[2] == "d" else 1) if found else 0
    if hours < 1:
        raise ConfigurationError(f"a horizon is a number of hours or days such as 24h or 7d, found {horizon!r}")
    return hours


def _taken(candles: pl.DataFrame) -> pl.DataFrame:
    require_columns(candles, ["exchange", "coin", _OPENED, _CLOSE], "the candles")
    listed = candles if _LISTING in candles.columns else candles.with_columns(pl.lit(1).alias(_LISTING))
    rows = with_moments(listed, [_OPENED], "the candles").select(*_SERIES, _OPENED, pl.col(_CLOSE).cast(pl.Float64))
    wrong = rows.filter(((pl.col(_CLOSE) > 0) & pl.col(_CLOSE).is_finite()).fill_null(value=False).not_())
    if wrong.height:
        raise ContractError(f"{wrong.height:,} candles have no close_price above zero; expected accepted candles")
    if off := rows.filter(pl.col(_OPENED).dt.truncate("1h") != pl.col(_OPENED)).height:
        raise ContractError(f"{off:,} candles do not open on the hour; expected hourly candles")
    repeated = rows.select(*_SERIES, _OPENED).is_duplicated().sum()
    if repeated:
        raise ContractError(f"{repeated:,} candles share exchange, coin and open_timestamp; expected one of each")
    return rows.sort(*_SERIES, _OPENED).with_columns((pl.col(_OPENED) + HOUR).alias(AVAILABLE_AT))


def _forward(rows: pl.DataFrame, hours: int, label: LabelKind) -> pl.DataFrame:
    ahead = timedelta(hours=hours)
    later = rows.select(*_SERIES, pl.col(_OPENED) - ahead, pl.col(_CLOSE).alias("__later"))
    moved = (pl.col("__later") / pl.col(_CLOSE)).log()
    y = moved if label == "log_return" else (moved > 0).cast(pl.Float64)
    return rows.join(later, on=[*_SERIES, _OPENED], how="left", maintain_order="left").select(
        *_SERIES,
        AVAILABLE_AT,
        y.alias("y"),
        pl.when(pl.col("__later").is_not_null()).then(pl.col(AVAILABLE_AT) + ahead).alias("t1"),
    )


def _with_barriers(rows: pl.DataFrame, hours: int, barriers: Barriers) -> pl.DataFrame:
    parts = []
    for listing in rows.partition_by(_SERIES, maintain_order=True):
        opened = (listing[_OPENED].dt.epoch("us") // 3_600_000_000).to_numpy()
        label, after = touched(opened, listing[_CLOSE].to_numpy(), hours, barriers)
        ended = pl.Series(after).fill_nan(None).cast(pl.Int64) * _MICROSECONDS
        parts.append(
            listing.with_columns(
                pl.Series("y", label).fill_nan(None), (pl.col(AVAILABLE_AT) + ended.cast(pl.Duration("us"))).alias("t1")
            )
        )
    if not parts:
        return rows.with_columns(pl.lit(None, pl.Float64).alias("y"), pl.col(AVAILABLE_AT).alias("t1"))
    return pl.concat(parts)
