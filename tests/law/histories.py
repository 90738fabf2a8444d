"""Histories of a lake for Hypothesis: what arrives in which run, how each run ends, what befalls tables in between.

A history is a few numbers and the records that matter; its many ordinary candles follow from the seed, so that a
failing example can be read and pasted into a test.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hypothesis import strategies as st
from law.lake import DERIVED
from law.listings import BEGINS, ENDS, LEAVES, RETURNS, REUSED
from law.records import FLAWS, Record, Symbol
from law.trouble import HARMLESS, TROUBLES

HOURS = 60
GROWN_HOURS = 30
# BTTUSDT is known to have been delisted 33 days after START, REUSED to have named two assets; the others are known to
# nobody.
COINS = ("AAAUSDT", "BBBUSDT", "BTTUSDT", REUSED)
DELISTED = 33 * 24
BORDERS = (
    *(("BTTUSDT", hour) for hour in (DELISTED - 1, DELISTED)),
    *((REUSED, hour) for hour in (ENDS, ENDS + 1, BEGINS - 1, BEGINS, LEAVES - 1, RETURNS)),
)
YEARS_LATER = 24 * 365
LATE_COIN = "DDDUSDT"
BRONZE = "binance_klines_daily"
KINDS = ("rest", "daily_archive", "monthly_archive")

Ending = Literal["complete", "killed", "killed before commit", "raised before commit", "raised after commit", "partial"]


@dataclass(frozen=True)
class Fate:
    """How a run ends.

    Args:
        ending: ``complete`` refreshes every table, ``partial`` some, the others stop at ``table``.
        table: The last table that is worked on.
        tables: What ``partial`` refreshes.
    """

    ending: Ending = "complete"
    table: str = DERIVED[-1]
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """One run: what happens before it, what it brings besides candles, how it ends.

    Args:
        troubles: What befalls which table before the run.
        symbols: A listing snapshot that arrives with it.
        fate: How it ends.
    """

    troubles: tuple[tuple[str, str], ...] = ()
    symbols: tuple[Symbol, ...] = ()
    fate: Fate = Fate()


@dataclass(frozen=True)
class History:
    """Everything that happens to a lake.

    Args:
        seed: Decides prices, volumes, sources, revisions, and in which run a candle arrives.
        gaps: Coin (None for all at once), first hour and length.
        special: Records that matter, each with the run it arrives in.
        late_hours: Candles of the coin that is listed a year later.
        runs: The runs; the last one is complete.
        grown: Begin with a lake that holds other candles of the first ``GROWN_HOURS`` hours; few of them are revised.
    """

    seed: int
    gaps: tuple[tuple[str | None, int, int], ...]
    special: tuple[tuple[int, Record], ...]
    late_hours: int
    runs: tuple[Run, ...]
    grown: bool

    def deliveries(self) -> list[list[Record]]:
        """The records of each run, in the order of arrival."""
        chance = random.Random(self.seed)  # noqa: S311  a test's dice
        arriving: list[list[Record]] = [[] for _ in self.runs]
        begin = GROWN_HOURS if self.grown else 0
        for record in (*ordinary_candles(chance, self.gaps), *_late_coin(self.late_hours)):
            if record.hour < begin and chance.random() < 0.9:
                continue
            home = (record.hour - begin) * len(self.runs) // (HOURS - begin)
            stray = record.hour < begin or chance.random() < 0.08
            run = chance.randrange(len(self.runs)) if stray else min(len(self.runs) - 1, home)
            arriving[run].append(record)
        for number, record in self.special:
            arriving[number].append(record)
        for records in arriving:
            chance.shuffle(records)
        return arriving


def grown_candles() -> list[Record]:
    """What a grown lake holds; no record of a history is the same."""
    candles = ordinary_candles(random.Random(7), [(None, 20, 3)])  # noqa: S311  a test's dice
    return [replace(record, sequence=record.sequence - 60) for record in candles if record.hour < GROWN_HOURS]


def ordinary_candles(chance: random.Random, gaps: Sequence[tuple[str | None, int, int]]) -> Iterator[Record]:
    """Candles of every coin, some of them sent twice: by two sources, or again with equal or other values."""
    for coin in COINS:
        price = 100.0
        for hour in range(HOURS):
            price = max(0.01, price * (1 + chance.choice([-0.2, -0.01, 0.0, 0.0, 0.003, 0.02, 0.3])))
            if any(whose in {None, coin} and first <= hour < first + length for whose, first, length in gaps):
                continue
            record = Record(
                coin,
                hour,
                close=price,
                volume=chance.choice([0.0, 1.0, 5.5, 7.25, 1e5]),
                source_kind=chance.choice(KINDS),
                micros=chance.random() < 0.2,
            )
            yield record
            if chance.random() < 0.08:
                yield _sent_again(record, chance)


def _sent_again(record: Record, chance: random.Random) -> Record:
    other = replace(record, source_kind=chance.choice(KINDS), sequence=chance.randrange(3), micros=not record.micros)
    return other if chance.random() < 0.5 else replace(other, close=record.close * 1.01, volume=record.volume + 1)


def _late_coin(hours: int) -> Iterator[Record]:
    return (Record(LATE_COIN, YEARS_LATER + hour, 7.0 + hour % 3) for hour in range(hours))


@st.composite
def histories(draw: st.DrawFn, most_runs: int) -> History:
    """Any history of two to ``most_runs`` runs."""
    count = draw(st.integers(2, most_runs))
    focus = draw(st.lists(st.tuples(st.sampled_from(COINS), st.integers(0, HOURS - 1)), min_size=1, max_size=3))
    gaps = st.tuples(st.none() | st.sampled_from(COINS), st.integers(0, HOURS - 1), st.integers(1, 30))
    special = draw(st.lists(st.tuples(st.integers(0, count - 1), _special(focus)), min_size=2, max_size=8))
    return History(
        seed=draw(st.integers(0, 2**32)),
        gaps=tuple(draw(st.lists(gaps, max_size=3))),
        # A sequence of its own makes every special record another row of bronze.
        special=tuple((run, replace(record, sequence=10 + number)) for number, (run, record) in enumerate(special)),
        late_hours=draw(st.sampled_from([0, 0, 1, 5, 30])),
        runs=tuple(draw(_run(is_last=number == count - 1)) for number in range(count)),
        grown=draw(st.sampled_from([True, True, True, False])),
    )


def _special(focus: Sequence[tuple[str, int]]) -> st.SearchStrategy[Record]:
    return st.builds(
        lambda where, off, **values: Record(where[0], where[1] + off, **values),
        st.sampled_from([*focus, *BORDERS]),
        st.sampled_from([0, 0, 0, 1]),
        close=st.sampled_from([1.0, 50.0, 101.0, 5000.0]),
        volume=st.sampled_from([0.0, 3.0, 1e6]),
        source_kind=st.sampled_from(KINDS),
        flaw=st.sampled_from([None, None, None, *FLAWS]),
        micros=st.booleans(),
    )


@st.composite
def _run(draw: st.DrawFn, *, is_last: bool) -> Run:
    anywhere = st.tuples(st.sampled_from(sorted(TROUBLES)), st.sampled_from(DERIVED))
    bronze = st.tuples(st.sampled_from([*HARMLESS, "delete_a_coin"]), st.just(BRONZE))
    # Snapshots arrive in any order; two of the same moment say the same.
    symbols = st.builds(
        lambda coin, moment: Symbol(coin, "TRADING" if moment % 2 else "BREAK", moment),
        st.sampled_from([*COINS, LATE_COIN]),
        st.integers(0, 5),
    )
    return Run(
        troubles=tuple(draw(st.lists(anywhere | anywhere | bronze, max_size=2))),
        symbols=tuple(draw(st.lists(symbols, max_size=2, unique=True))),
        fate=Fate() if is_last else draw(_fates()),
    )


def _fates() -> st.SearchStrategy[Fate]:
    endings: list[Ending] = ["killed", "killed before commit", "raised before commit", "raised after commit"]
    stopped = st.builds(Fate, st.sampled_from(endings), st.sampled_from(DERIVED))
    partial = st.sets(st.sampled_from(DERIVED)).map(lambda chosen: Fate("partial", tables=tuple(sorted(chosen))))
    return st.just(Fate()) | stopped | stopped | partial
