"""Walk-forward splits of a panel by time, with what the test period could tell removed from training."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from klineforge.domain.hours import BEGINNING
from klineforge.errors import ConfigurationError, ContractError
from klineforge.ml.arguments import require_duration, require_whole
from klineforge.ml.frames import with_moments

Positions: TypeAlias = NDArray[np.int64]
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) - BEGINNING) // _MICROSECOND


class PurgedWalkForward:
    """Train on the past, test on the period after it, again and again: a splitter of scikit-learn's protocol.

    The last instant of decision is ``T``; test periods are the ``n_splits`` ranges of length ``test`` that end with
    ``T``, each ``(a, a + test]``. All rows of an instant, whatever their coin, are on the same side: time is
    split, not rows. A row is trained on for the period after ``a`` if

    - it was decided at ``a`` or before: ``t0 <= a``, and after ``a - train`` unless ``expanding``;
    - *purge and embargo*: its label was known early enough, ``t1 + embargo <= s``, with ``s`` the first ``t0`` of the
      test period. A label that ends later was made of prices that the test period is about.

    With ``expanding`` this is what ``purgedcv.WalkForwardSplit`` gives for one coin, its ``purge_horizon`` being this
    embargo; an embargo behind the test period has nothing to remove, because nothing behind it is trained on.

    Args:
        n_splits: How many test periods, at least 1.
        test: Length of a test period; by default the range of ``t0`` divided by ``n_splits + 1``.
        train: Length of the training period; needed where ``expanding`` is false, not allowed where it is true.
        embargo: What has to lie between the end of a training label and the first row of the test period.
        expanding: Train on all of the past, or on the last ``train`` only.
        t0: Instant of decision per row: ``TrainingSet.t0``. Any order; rows of several coins share instants.
        t1: Instant at which the row's label is known: ``TrainingSet.t1``.

    Times are a column of polars, pandas or Arrow, or a sequence, aware of their time zone; a numpy array of
    ``datetime64``, which cannot be aware, counts as UTC.

    Raises:
        ConfigurationError: When an argument cannot be used.
        ContractError: When times are naive, null, or a label ends before its decision.
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        test: timedelta | None = None,
        train: timedelta | None = None,
        embargo: timedelta = timedelta(0),
        expanding: bool = True,
        t0: Any = None,
        t1: Any = None,
    ) -> None:
        require_whole("n_splits", n_splits)
        require_duration("embargo", embargo)
        for name, length in (("test", test), ("train", train)):
            if length is not None:
                require_duration(name, length, above_zero=True)
        if expanding != (train is None):
            raise ConfigurationError(
                f"train is the length of a sliding training period: expected one with expanding=False and none with "
                f"expanding=True, found train={train!r} with expanding={expanding}"
            )
        self.n_splits, self.test, self.train = n_splits, test, train
        self.embargo, self.expanding = embargo, expanding
        self._times = None if t0 is None and t1 is None else _times(t0, t1)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """How many splits there are; the arguments are scikit-learn's and not looked at."""
        return self.n_splits

    def split(
        self,
        X: Any,
        y: Any = None,
        groups: Any = None,
        *,
        t0: Any = None,
        t1: Any = None,
    ) -> Iterator[tuple[Positions, Positions]]:
        """Positions of rows to train on and to test on, oldest test period first, each in ascending order.

        Args:
            X: Rows; only their number is looked at.
            y: Not looked at.
            groups: Not looked at.
            t0: Instants of decision, where the splitter was made without.
            t1: Instants at which labels are known, likewise.

        Raises:
            ConfigurationError: When there are no times, or a period has nothing to train on or nothing to test on.
            ContractError: When times do not fit ``X``, are naive or null.
        """
        decided, ended = self._bound(t0, t1)
        rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if rows != decided.size:
            raise ContractError(f"X has {rows:,} rows and the times {decided.size:,}: expected one t0 and t1 per row")
        if not rows:
            raise ConfigurationError("there are no rows to split")
        for number, (after, upto) in enumerate(self.periods(decided), start=1):
            tested = (decided > after) & (decided <= upto)
            trained = self._trained(decided, ended, after, tested)
            for name, chosen in (("test on", tested), ("train on", trained)):
                if not chosen.any():
                    raise ConfigurationError(self._empty(number, after, upto, name))
            yield np.flatnonzero(trained), np.flatnonzero(tested)

    def periods(self, decided: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Test periods ``(after, up to and including]`` of instants in microseconds since 1970, oldest first."""
        first, last = int(decided.min()), int(decided.max())
        length = (last - first) // (self.n_splits + 1) if self.test is None else self.test // _MICROSECOND
        if not length:
            raise ConfigurationError(
                f"all rows are decided within {last - first} microseconds; there is nothing to split"
            )
        return [(last - length * left, last - length * (left - 1)) for left in range(self.n_splits, 0, -1)]

    def _trained(
        self, decided: NDArray[np.int64], ended: NDArray[np.int64], after: int, tested: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        if not tested.any():
            return tested
        first = int(decided[tested].min())
        chosen: NDArray[np.bool_] = (decided <= after) & (ended + self.embargo // _MICROSECOND <= first)
        return chosen if self.train is None else chosen & (decided > after - self.train // _MICROSECOND)

    def _bound(self, t0: Any, t1: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if t0 is not None or t1 is not None:
            return _times(t0, t1)
        if self._times is None:
            raise ConfigurationError(
                "the splitter knows no times: give it t0 and t1 (TrainingSet.t0 and .t1) when it is made, or to split()"
            )
        return self._times

    def _empty(self, number: int, after: int, upto: int, purpose: str) -> str:
        start, end = (BEGINNING + max(moment, _EARLIEST) * _MICROSECOND for moment in (after, upto))
        return (
            f"split {number} of {self.n_splits} has no rows to {purpose}: its test period is after "
            f"{start:%Y-%m-%d %H:%M} up to {end:%Y-%m-%d %H:%M} UTC, embargo {self.embargo}; take fewer or shorter "
            "test periods, a shorter embargo, or more history"
        )

    def __repr__(self) -> str:
        return (
            f"PurgedWalkForward(n_splits={self.n_splits}, test={self.test!r}, train={self.train!r}, "
            f"embargo={self.embargo!r}, expanding={self.expanding})"
        )


def _times(t0: Any, t1: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if t0 is None or t1 is None:
        raise ConfigurationError("t0 and t1 belong together: when a row is decided and when its label is known")
    decided, ended = _microseconds(t0, "t0"), _microseconds(t1, "t1")
    if decided.size != ended.size:
        raise ContractError(f"t0 has {decided.size:,} rows and t1 {ended.size:,}; expected as many")
    early = int((ended < decided).sum())
    if early:
        raise ContractError(f"t1 lies before t0 in {early:,} of {decided.size:,} rows; a label ends after its decision")
    return decided, ended


def _microseconds(times: Any, name: str) -> NDArray[np.int64]:
    column = _column(times, name)
    if isinstance(times, np.ndarray) and column.dtype.is_temporal():
        column = column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    instants = with_moments(pl.DataFrame({name: column}), [name], "the splitter's times")
    return instants[name].dt.epoch("us").to_numpy()


def _column(times: Any, name: str) -> pl.Series:
    if isinstance(times, pl.Series):
        return times.alias(name)
    if type(times).__module__.partition(".")[0] == "pandas":
        return pl.Series(name, pl.from_pandas(times))
    return pl.Series(name, times)
