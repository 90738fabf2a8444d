"""Features as they were known at given instants: the join that cannot look ahead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from klineforge.domain.hours import HOUR
from klineforge.errors import ConfigurationError, ContractError
from klineforge.ml.arguments import require_duration
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

AVAILABLE_AT = "available_at"
MATCHED_AT = "feature_available_at"
COIN_KEY = ("exchange", "coin")
TWO_HOURS = timedelta(hours=2)
# What describes a row of features and is no feature; a spine often has columns of the same names.
_NOT_JOINED = ("open_timestamp", "listing_seq", "year")
_SERIES, _SPINE_ROW, _FEATURE_ROW = "__series", "__spine_row", "__feature_row"


def asof_join(
    spine: AnyFrame,
    features: AnyFrame,
    *,
    by: str | Sequence[str] = COIN_KEY,
    asof: str = "asof",
    max_age: timedelta = TWO_HOURS,
    kind: Kind | None = None,
) -> AnyFrame:
    """Give each row of a spine the newest features that were known at its instant.

    A row of features is known from its ``available_at`` on, when its candle has closed. Of those with the same key, the
    spine's row gets the one with the largest ``available_at`` in ``[asof - max_age, asof]``. The hour a candle opened
    is never looked at: joining on it is how an hour of the future leaks into a training set.

    Args:
        spine: What to join to: columns ``by`` and ``asof``, and any others. Any order, repetitions allowed.
        features: Rows with the columns ``by``, ``available_at`` and the features, in any order, with each key once per
            ``available_at``; what :func:`~klineforge.ml.load_features` gives.
        by: Columns of the key.
        asof: The spine's column with the instants, aware of their time zone.
        max_age: How old features may be; older ones are not used, as with Feast's ``ttl``.
        kind: What to give the result as; as the spine is when left out.

    Returns:
        The spine's rows and columns in their order, then ``feature_available_at`` (UTC; null where nothing was known)
        and the features, null where nothing was known. ``open_timestamp``, ``listing_seq`` and ``year`` of the features
        are left out.

    Raises:
        ContractError: When a column is missing, naive or null, a key has two rows of features at one instant, features
            claim to be known before their candle has closed, or both tables have a column of the same name.
        ConfigurationError: When ``max_age`` is negative or ``kind`` unknown.
    """
    require_duration("max_age", max_age)
    wanted = kind_of(spine) if kind is None else kind
    require_kind(wanted)
    key = [by] if isinstance(by, str) else list(by)
    left = _taken(to_polars(spine, "the spine"), key, asof, "the spine")
    if not key:
        raise ConfigurationError("by names no column; expected at least one, such as coin")
    right = _known(_taken(_rounded_up(to_polars(features, "features")), key, AVAILABLE_AT, "features"))
    values = right.drop([*key, AVAILABLE_AT, *(name for name in _NOT_JOINED if name in right.columns)])
    _require_distinct(left, [*values.columns, MATCHED_AT])
    rows = _matching_rows(left, right, key, asof, max_age)
    known = values.with_columns(right[AVAILABLE_AT].alias(MATCHED_AT)).select(MATCHED_AT, *values.columns)
    return as_kind(left.hstack(_gathered(known, rows)), wanted)


def _taken(frame: pl.DataFrame, key: list[str], time: str, what: str) -> pl.DataFrame:
    require_columns(frame, key, what)
    for name in key:
        if frame[name].null_count():
            raise ContractError(f"column {name!r} of {what} is null in {frame[name].null_count():,} rows; drop them")
    return with_moments(frame, [time], what)


def _rounded_up(features: pl.DataFrame) -> pl.DataFrame:
    """Nanoseconds are cut off later, which must not make features known before they are."""
    kind = features.schema.get(AVAILABLE_AT)
    if not isinstance(kind, pl.Datetime) or kind.time_unit != "ns":
        return features
    return features.with_columns(pl.col(AVAILABLE_AT) + pl.duration(nanoseconds=999, time_unit="ns"))


def _known(features: pl.DataFrame) -> pl.DataFrame:
    """Refuse features that pretend to be known while their candle is open: the leak that looks like data."""
    if isinstance(features.schema.get("open_timestamp"), pl.Datetime):
        opened = with_moments(features, ["open_timestamp"], "features")
        early = opened.filter(pl.col(AVAILABLE_AT) < pl.col("open_timestamp") + HOUR)
        if early.height:
            raise ContractError(
                f"features claim to be known before their candle has closed in {early.height:,} of "
                f"{features.height:,} rows, first where open_timestamp is {early['open_timestamp'][0]:%Y-%m-%d %H:%M} "
                f"and available_at {early[AVAILABLE_AT][0]:%Y-%m-%d %H:%M}; available_at is open_timestamp + 1 h"
            )
    return features


def _require_distinct(spine: pl.DataFrame, names: Sequence[str]) -> None:
    both = [name for name in names if name in spine.columns]
    if both:
        raise ContractError(
            f"the spine and the features both have a column {', '.join(map(repr, both))}; drop or rename it in one"
        )


def _matching_rows(left: pl.DataFrame, right: pl.DataFrame, key: list[str], asof: str, max_age: timedelta) -> pl.Series:
    """For each row of the spine the number of its row of features; null where there is none.

    Only keys and times take part, a key as one number, and both sides are brought into the order that the join needs:
    polars does not check it within groups, and would join wrongly without a word.
    """
    spine = left.select(*key, pl.col(asof).alias(AVAILABLE_AT))
    spine, known = _same_types(spine, right.select(*key, AVAILABLE_AT), key)
    series = known.select(key).unique().with_row_index(_SERIES)
    known = _in_order(_numbered(known, series, key).with_row_index(_FEATURE_ROW))
    _require_unique(known, key)
    rows = _in_order(_numbered(spine, series, key).with_row_index(_SPINE_ROW))
    joined = rows.select(_SPINE_ROW, _SERIES, AVAILABLE_AT).join_asof(
        known.select(_FEATURE_ROW, _SERIES, AVAILABLE_AT),
        on=AVAILABLE_AT,
        by=_SERIES,
        strategy="backward",
        tolerance=max_age,
        check_sortedness=False,
    )
    return joined.sort(_SPINE_ROW)[_FEATURE_ROW]


def _numbered(rows: pl.DataFrame, series: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return rows.join(series, on=key, how="left", maintain_order="left")


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort(_SERIES, AVAILABLE_AT)


def _same_types(spine: pl.DataFrame, known: pl.DataFrame, key: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keys as text on both sides where one is categorical (pandas categories, Enum), the types of which never agree."""
    for name in key:
        if spine.schema[name] != known.schema[name]:
            categories = (pl.Categorical, pl.Enum, pl.String)
            if not all(isinstance(side.schema[name], categories) for side in (spine, known)):
                raise ContractError(
                    f"column {name!r} is {spine.schema[name]} in the spine and {known.schema[name]} in the features; "
                    "give both the same type"
                )
            as_text = pl.col(name).cast(pl.String)
            spine, known = spine.with_columns(as_text), known.with_columns(as_text)
    return spine, known


def _require_unique(known: pl.DataFrame, key: list[str]) -> None:
    # In order, rows that share both stand side by side.
    repeated = pl.struct(_SERIES, AVAILABLE_AT)
    is_repeated = known.select((repeated == repeated.shift(1)).fill_null(value=False)).to_series()
    if is_repeated.any():
        first = known.filter(is_repeated).row(0, named=True)
        named = " ".join(str(first[name]) for name in key)
        raise ContractError(
            f"features have {is_repeated.sum():,} rows that repeat a key and available_at, first {named} at "
            f"{first[AVAILABLE_AT]:%Y-%m-%d %H:%M}; which of them was known cannot be told: keep one of each"
        )


def _gathered(values: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    # In one piece each: taking rows at random out of columns in many pieces takes three times as long.
    return values.rechunk().select(pl.all().gather(rows))
