"""The benchmark suite: ``make bench``, or ``python -m benchmarks`` in the repository's folder.

    make bench                                           all parts at full size, into docs/benchmarks.md: an hour
    make bench ARGS="--only floor,increments"            some parts
    make bench ARGS="--coins 15 --hours 12000 --days 3"  another size: printed, and not written into the document
    make bench ARGS="--only scale --hundred"             100 coins, too: 276 million correlations
    make bench ARGS=--quick                              everything small: a few minutes

Parts are measured one after the other, each command as a whole process. Archives and the lake that small runs start
from stay below ``--work`` for the next time; the lake is made anew whenever the sources of KlineForge have changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.context import Context, Options
from benchmarks.machine import machine, versions
from benchmarks.market import HOURS_AFTER, Market
from benchmarks.parts.build import measure_build
from benchmarks.parts.checks import measure_checks
from benchmarks.parts.dashboard import measure_dashboard
from benchmarks.parts.floor import measure_floor
from benchmarks.parts.hourly import measure_hourly
from benchmarks.parts.increments import measure_increments
from benchmarks.parts.ingest import measure_ingest
from benchmarks.parts.ml import measure_ml
from benchmarks.parts.peers import measure_peers
from benchmarks.parts.scale import measure_scale
from benchmarks.render import Section, replaced
from benchmarks.runs import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "benchmarks.md"
REAL_CANDLES = REPOSITORY.parent / "shared" / "data" / "spot_1h"
FULL_COINS, FULL_HOURS = 15, 60_000
QUICK_COINS, QUICK_HOURS = 5, 1_440
SCALE_COINS, QUICK_SCALE_COINS, HUNDRED = 50, 8, 100
HOURLY_RUNS, QUICK_HOURLY_RUNS = 100, 6

PARTS: Mapping[str, Callable[[Context], Section]] = {
    "floor": measure_floor,
    "increments": measure_increments,
    "build": measure_build,
    "peers": measure_peers,
    "scale": measure_scale,
    "hourly": measure_hourly,
    "ingest": measure_ingest,
    "checks": measure_checks,
    "dashboard": measure_dashboard,
    "ml": measure_ml,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for, print it, and write it into the document if it is of full size.

    Returns:
        1 when a run did something that no run may do, such as a commit without news; else 0.
    """
    given = _parser().parse_args(arguments)
    options = _options(given)
    context = Context(options)
    is_full = options.market == Market(FULL_COINS, FULL_HOURS)
    target = given.output or (DOCUMENT if is_full else None)
    failures: list[str] = []
    for part in given.only:
        section = PARTS[part](context)
        failures += section.failures
        text = f"{section}\n\n*{datetime.now(UTC):%Y-%m-%d}: {machine()}. {versions()}.*"
        print(f"\n{text}\n", flush=True)
        if target is not None:
            write(target, part, text)
    return 1 if failures else 0


def write(target: Path, part: str, text: str) -> None:
    """Put what a part found into a document, in place of what an earlier run wrote for it."""
    document = target.read_text(encoding="utf-8") if target.is_file() else ""
    target.write_text(replaced(document, part, text, tuple(PARTS)), encoding="utf-8")
    print(f"... written into {target}", file=sys.stderr, flush=True)


def _options(given: argparse.Namespace) -> Options:
    real = REAL_CANDLES if given.real else None
    if real is not None and not real.is_dir():
        sys.exit("the real candles are not here: expected ../shared/data/spot_1h beside the checkout")
    coins, hours = (QUICK_COINS, QUICK_HOURS) if given.quick else (FULL_COINS, FULL_HOURS)
    market = Market(given.coins or coins, given.hours or hours, real)
    return Options(
        market=market,
        work=given.work.resolve(),
        repetitions=given.repeat or (1 if given.quick else 3),
        big_repetitions=given.repeat_big,
        days=given.days or (2 if given.quick else 5),
        scale=tuple(Market(number, market.hours) for number in _scale_coins(given)),
        hourly_runs=given.hourly_runs or (QUICK_HOURLY_RUNS if given.quick else HOURLY_RUNS),
        maintain_every=given.maintain_every,
    )


def _scale_coins(given: argparse.Namespace) -> tuple[int, ...]:
    coins = given.scale_coins or (QUICK_SCALE_COINS if given.quick else SCALE_COINS)
    return (coins, HUNDRED) if given.hundred else (coins,)


def _parts(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in PARTS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"expected some of {','.join(PARTS)}, found {text!r}")
    return [name for name in PARTS if name in names]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", type=_parts, default=list(PARTS), help=f"parts, with commas: {','.join(PARTS)}")
    parser.add_argument("--coins", type=int, help=f"coins of most parts; {FULL_COINS}")
    parser.add_argument("--hours", type=int, help=f"hours of history, whole days; {FULL_HOURS}")
    parser.add_argument("--days", type=int, help="days added one by one; 5")
    parser.add_argument("--repeat", type=int, help="repetitions of small commands; 3")
    parser.add_argument("--repeat-big", type=int, default=1, help="repetitions of long commands; 1")
    parser.add_argument("--scale-coins", type=int, help=f"coins of the part scale; {SCALE_COINS}")
    parser.add_argument("--hundred", action="store_true", help=f"the part scale with {HUNDRED} coins, too")
    parser.add_argument("--hourly-runs", type=int, choices=range(3, HOURS_AFTER), metavar="N", help="100")
    parser.add_argument("--maintain-every", type=int, default=0, help="maintenance after so many hourly runs; never")
    parser.add_argument("--real", action="store_true", help="real candles of ../shared instead of invented ones")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_COINS} coins, {QUICK_HOURS} hours, single runs")
    parser.add_argument("--work", type=Path, default=REPOSITORY / "build" / "bench", help="folder to work in")
    parser.add_argument("--output", type=Path, help="document to write into; docs/benchmarks.md at full size")
    return parser


if __name__ == "__main__":
    sys.exit(main())
