"""Whether features look ahead: compute them again from what was known, and compare."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from klineforge.domain.hours import HOUR
from klineforge.errors import ConfigurationError, ContractError, LeakageError
from klineforge.ml.arguments import require_whole
from klineforge.ml.frames import AnyFrame, require_columns, to_polars, with_moments
from klineforge.ml.joining import AVAILABLE_AT, COIN_KEY

_OPENED = "open_timestamp"
_DESCRIBING = (_OPENED, "listing_seq", "year")
_AGAIN = "__again"
_ROWS = "rows that later candles took away"
_SHOWN = 5


@dataclass(frozen=True)
class LeakageReport:
    """What was compared, nothing of which looked ahead.

    Args:
        features: Names of the columns compared.
        instants: At how many instants.
        rows: How many rows.
    """

    features: tuple[str, ...]
    instants: int
    rows: int

    def __str__(self) -> str:
        return (
            f"{len(self.features)} features do not look ahead: {self.rows:,} rows of {self.instants} instants came out "
            "the same from what was known then"
        )


def check_no_leakage(
    compute: Callable[[pl.DataFrame], AnyFrame],
    candles: AnyFrame,
    *,
    features: AnyFrame | None = None,
    names: Sequence[str] | None = None,
    sample: int = 200,
    seed: int = 0,
    lookback: timedelta | None = None,
    by: Sequence[str] = COIN_KEY,
    tolerance: float = 0.0,
) -> LeakageReport:
    """Show that features are made of nothing that was not known.

    At each of some instants the features are computed from only those candles that had closed by then. What comes out
    for that instant must be what the whole history gives, or what the table holds.

    Args:
        compute: From candles to features: rows with the columns ``by``, ``available_at`` and the features. It is called
            once per instant and, without ``features``, once with all candles.
        candles: Rows with ``open_timestamp``; a candle is known an hour later. With a column ``available_at``, that is
            when it is known.
        features: The features under suspicion, such as a table that was stored; by default what ``compute`` gives for
            all candles.
        names: Which features to compare; all of them when left out.
        sample: At how many instants; all there are if there are no more. Drawn at random, the newest always.
        seed: Of the draw: the same seed draws the same instants.
        lookback: How long before the instant candles are handed to ``compute``; all older ones when left out. At least
            what the features look back, or they come out different for that reason.
        by: Columns of the key.
        tolerance: Numbers that differ by no more than this are the same; 0 compares bit by bit (NaN equals NaN).

    Returns:
        What was compared.

    Raises:
        LeakageError: Names the features that come out otherwise from what was known, how often, and where first.
        ContractError: When a column is missing, naive or null, or a key has two rows at one instant.
        ConfigurationError: When there is nothing to compare.
    """
    known = _with_close(to_polars(candles, "the candles"))
    key = [*by, AVAILABLE_AT]
    suspect = _taken(compute(known.drop("__known_at")) if features is None else features, key, "the features")
    compared = _compared(suspect, key, names)
    instants = _drawn(suspect, sample, seed)
    found: dict[str, tuple[int, str]] = {}
    rows = 0
    for instant in instants:
        again = _again(compute, known, instant, lookback, key)
        there = suspect.filter(pl.col(AVAILABLE_AT) == instant)
        rows += there.height
        wrong = _taken_away(there, again, key) if features is None else {}
        wrong |= _differences(there, again, key, compared, tolerance)
        for name, (count, where) in wrong.items():
            earlier = found.get(name, (0, where))
            found[name] = (earlier[0] + count, earlier[1])
    if found:
        raise LeakageError(_text(found, rows, len(instants)))
    return LeakageReport(tuple(compared), len(instants), rows)


def _taken_away(there: pl.DataFrame, again: pl.DataFrame, key: list[str]) -> dict[str, tuple[int, str]]:
    """Rows that only what came later took away: which coins are there tells the future as well."""
    gone = again.join(there, on=key, how="anti")
    return {_ROWS: (gone.height, " ".join(map(str, gone.select(key).row(0))))} if gone.height else {}


def _with_close(candles: pl.DataFrame) -> pl.DataFrame:
    if AVAILABLE_AT in candles.columns:
        return with_moments(candles, [AVAILABLE_AT], "the candles").with_columns(
            pl.col(AVAILABLE_AT).alias("__known_at")
        )
    opened = with_moments(candles, [_OPENED], "the candles")
    return opened.with_columns((pl.col(_OPENED) + HOUR).alias("__known_at"))


def _taken(features: AnyFrame, key: list[str], what: str) -> pl.DataFrame:
    frame = with_moments(to_polars(features, what), [AVAILABLE_AT], what)
    require_columns(frame, key, what)
    repeated = frame.select(key).is_duplicated()
    if repeated.any():
        raise ContractError(f"{what} have {repeated.sum():,} rows that share {', '.join(key)}; expected one of each")
    return frame


def _compared(suspect: pl.DataFrame, key: list[str], names: Sequence[str] | None) -> list[str]:
    if names is not None:
        require_columns(suspect, names, "the features")
        return list(names)
    compared = [name for name in suspect.columns if name not in {*key, *_DESCRIBING}]
    if not compared:
        raise ConfigurationError(f"there are no features to compare: the columns are {', '.join(suspect.columns)}")
    return compared


def _drawn(suspect: pl.DataFrame, sample: int, seed: int) -> list[datetime]:
    require_whole("sample", sample)
    instants: list[datetime] = suspect[AVAILABLE_AT].unique().sort().to_list()
    if not instants:
        raise ConfigurationError("there are no features to compare: no row")
    older = len(instants) - 1
    drawn = random.Random(seed).sample(range(older), min(sample - 1, older))  # noqa: S311 - no secret depends on it
    return [*(instants[place] for place in sorted(drawn)), instants[-1]]


def _again(
    compute: Callable[[pl.DataFrame], AnyFrame],
    known: pl.DataFrame,
    instant: datetime,
    lookback: timedelta | None,
    key: list[str],
) -> pl.DataFrame:
    then = known.filter(pl.col("__known_at") <= instant)
    if lookback is not None:
        then = then.filter(pl.col("__known_at") > instant - lookback)
    what = f"the features computed from what was known at {instant:%Y-%m-%d %H:%M}"
    return _taken(compute(then.drop("__known_at")), key, what).filter(pl.col(AVAILABLE_AT) == instant)


def _differences(
    there: pl.DataFrame, again: pl.DataFrame, key: list[str], names: list[str], tolerance: float
) -> dict[str, tuple[int, str]]:
    require_columns(again, names, "what compute gives")
    marked = again.select(*key, pl.lit(True).alias(_AGAIN), *(pl.col(name).alias(_AGAIN + name) for name in names))
    both = there.select(*key, *names).join(marked, on=key, how="left", maintain_order="left")
    found = {}
    for name in names:
        wrong = both.filter(~_same(both.schema[name], name, tolerance) | pl.col(_AGAIN).is_null())
        if wrong.height:
            first = wrong.row(0, named=True)
            missing = first[_AGAIN] is None
            named = " ".join(str(first[part]) for part in key[:-1])
            then = "no row" if missing else first[_AGAIN + name]
            where = f"{named} at {first[AVAILABLE_AT]:%Y-%m-%d %H:%M}: {first[name]}, from what was known {then}"
            found[name] = (wrong.height, where)
    return found


def _same(kind: pl.DataType, name: str, tolerance: float) -> pl.Expr:
    one, other = pl.col(name), pl.col(_AGAIN + name)
    same = one.eq_missing(other)
    if tolerance and kind.is_numeric():
        return same | ((one.cast(pl.Float64) - other.cast(pl.Float64)).abs() <= tolerance).fill_null(value=False)
    return same


def _text(found: dict[str, tuple[int, str]], rows: int, instants: int) -> str:
    lines = [f"  {name}: {count:,} of {rows:,} rows, first {where}" for name, (count, where) in found.items()]
    more = [f"  and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join(
        [
            f"{len(found)} features come out otherwise from what was known at available_at ({instants} instants):",
            *lines[:_SHOWN],
            *more,
            "  what to do: use only candles that have closed by available_at; shift whatever names a later hour",
        ]
    )
