"""An exchange of which anything goes wrong at any time, runs that die anywhere, and what is left of it in the end.

``make chaos`` plays many seeds, with real SIGKILLs between them; ``tests/faults/test_chaos.py`` plays a few.
"""

from __future__ import annotations

import argparse
import logging
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
from faults.world import World
from ingestion import lake as lakes

from klineforge.exchanges.landing import MANIFEST, PARTIAL, LandingZone
from klineforge.exchanges.transport import Answer, Limits, Transport
from klineforge.simulator.faults.fault import Fault

# REST is asked again for the last 48 hours, so whatever it said wrongly within this time is put right.
START = datetime(2024, 3, 5, tzinfo=UTC)
FIRST_RUN = datetime(2024, 3, 6, 6, 10, tzinfo=UTC)
LONGEST_PAUSE_MINUTES = 110
IMPATIENT = Limits(read=0.5)
# Where a run can die, and how many steps of that sort a run has at most, roughly.
PLACES = {"get": 40, "land": 40, "commit": 9, "remove": 12}
FEWEST_REQUESTS = 4

# Every kind that an exchange can recover from; those whose rows claim other hours (stray, shift) stay as evidence for
# quarantine, and a clock that is ahead of the candles cannot be told from the truth.
KINDS: dict[str, Sequence[dict[str, Any]]] = {
    "status": [{"status": status} for status in (403, 404, 408, 418, 429, 451, 500, 502, 503, 504)],
    "error": [{"code": code} for code in (-1000, -1003, -1007, -1121)],
    "cut": [{"share": 0.1}, {"share": 0.9}],
    "server-time": [{"seconds": -7200}, {"seconds": -90_000}],
    "numbers": [{"style": style, "row": row} for style in ("json", "exponent", "empty", "null") for row in (0, 5)],
    "columns": [{"columns": columns, "row": row} for columns in (11, 13) for row in (0, 7)],
    "lag": [{"hours": 2}, {"hours": 20}],
    "short-page": [{"rows": 1}, {"rows": 10}],
    "dress": [{"form": form} for form in ("header", "bom", "crlf", "blank", "all")],
    "broken": [{"rule": rule} for rule in ("high_below_low", "negative", "nan", "empty", "no_trades")],
    "checksum-form": [{"form": form} for form in ("crlf", "star", "other-name", "short", "html", "empty")],
    "ban": [{"seconds": 60}, {"seconds": 4000, "header": False}],
    "encoding": [{"corrupt": False}, {"corrupt": True}],
    **{
        name: [{}]
        for name in (
            "altered", "bomb", "checksum-missing", "checksum-stale", "close-early", "conflict", "corrupt", "cut-chunks",
            "cut-line", "denied", "differ", "disorder", "empty-csv", "hang", "hang-up", "lack", "late", "member-name",
            "members", "merge", "microseconds", "new-fields", "no-rows", "page", "partial", "rate-limit", "redirect",
            "repeat", "reset", "truncated", "unit", "unlisted", "used-weight",
        )
    },
}  # fmt: skip


class KilledError(BaseException):
    """The process is dead: nothing catches this, and nothing is done after it."""


class Fuse:
    """Lets a process live for some steps of one sort; then every further step of any of its threads is its last.

    Args:
        place: The sort of steps that count, one of ``PLACES``; None: the process lives.
        steps: How many.
    """

    def __init__(self, place: str | None, steps: int) -> None:
        self.place = place
        self.steps = steps

    def burn(self, place: str) -> None:
        """One step.

        Raises:
            KilledError: When there are no more.
        """
        if place == self.place:
            self.steps -= 1
        if self.steps < 0:
            raise KilledError


@contextmanager
def mortal(fuse: Fuse) -> Iterator[None]:
    """Between any two steps of downloading, landing, appending and letting go the process may die."""
    get, write, remove, commit = Transport.get, LandingZone._write, LandingZone.remove, lakes.write_deltalake

    def mortal_get(self: Transport, url: str, most_bytes: int) -> Answer:
        fuse.burn("get")
        answer = get(self, url, most_bytes)
        fuse.burn("get")
        return answer

    def mortal_write(self: LandingZone, name: str, content: bytes) -> None:
        fuse.burn("land")
        (self.path / (name + PARTIAL)).write_bytes(content[: len(content) // 2])
        fuse.burn("land")
        write(self, name, content)
        fuse.burn("land")

    def mortal_remove(self: LandingZone, unit_ids: Iterable[str]) -> None:
        for unit_id in unit_ids:
            fuse.burn("remove")
            (self.path / (unit_id + MANIFEST)).unlink(missing_ok=True)
            fuse.burn("remove")
            remove(self, [unit_id])

    def mortal_commit(table: str, *arguments: Any, **options: Any) -> None:
        fuse.burn("commit")
        if Path(table).is_dir():
            # Data that no commit speaks of.
            (Path(table) / "part-of-a-killed-run.parquet").write_bytes(b"PAR1")
        fuse.burn("commit")
        commit(table, *arguments, **options)
        fuse.burn("commit")

    with (
        mock.patch.object(Transport, "get", mortal_get),
        mock.patch.object(LandingZone, "_write", mortal_write),
        mock.patch.object(LandingZone, "remove", mortal_remove),
        mock.patch.object(lakes, "write_deltalake", mortal_commit),
    ):
        yield


def some_faults(rng: random.Random, coins: Sequence[str]) -> list[Fault]:
    """None to three faults of any kind, of some requests or all, once or again and again."""
    faults = []
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3])):
        name = rng.choice(sorted(KINDS))
        # A server that says nothing costs real time.
        times = 1 if name == "hang" else rng.choice([1, 1, 2, 4, None])
        settings = dict(rng.choice(KINDS[name]))
        if name == "status" and rng.random() < 0.5:
            settings["retry_after"] = rng.choice(["0", "7", "400", "soon", "Wed, 06 Mar 2024 09:00:00 GMT"])
        if Fault(name).match in {".zip", "/api/v3/klines"} and rng.random() < 0.5:
            settings["match"] = f"{rng.choice(coins)}*{'.zip' if Fault(name).match == '.zip' else 'limit'}"
        faults.append(Fault(name, times=times, after=rng.choice([0, 0, 1, 3]), **settings))
    return faults


def play(seed: int, folder: Path, runs: int, kill: Callable[[World, random.Random], None] | None = None) -> list[str]:
    """One lake through many runs with faults and deaths, then two runs without: it must be as if nothing had been.

    Args:
        seed: Decides everything but how threads take turns.
        folder: For the lakes.
        runs: How many runs with faults.
        kill: Starts a process of its own and kills it, now and then; None only breaks runs off in this process.

    Returns:
        What happened, a line for each run.
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    story: list[str] = []
    with World(folder / "shaken", now=FIRST_RUN, start=START, limits=IMPATIENT, attempts=3) as world:
        try:
            for _ in range(runs):
                _shaken_run(world, rng, story)
                if kill is not None and rng.random() < 0.3:
                    kill(world, rng)
                    story.append("a process of its own was killed")
                world.time.pass_by(_pause(world.now, rng))
            _settle(world, folder, rng.choice([90, 3700]))
        except BaseException as error:
            error.add_note(f"chaos of seed {seed}:\n  " + "\n  ".join(story))
            raise
    return story


def _pause(now: datetime, rng: random.Random) -> float:
    """Seconds until the next run; now and then it comes when an hour is just closing."""
    if rng.random() < 0.4:
        return 3600 - now.timestamp() % 3600 + rng.uniform(-20, 140)
    return 60 * rng.uniform(1, LONGEST_PAUSE_MINUTES)


def _shaken_run(world: World, rng: random.Random, story: list[str]) -> None:
    faults = some_faults(rng, world.coins)
    place = rng.choice([None, *PLACES])
    steps = 0 if place is None else rng.randrange(PLACES[place])
    told = ", ".join(f"{fault.name}{dict(fault.settings) or ''}[{fault.match}]x{fault.times}" for fault in faults)
    story.append(f"{world.now:%d %H:%M} faults: {told or 'none'}; dies: {place and (place, steps)}")
    world.inject(*faults)
    try:
        with mortal(Fuse(place, steps)):
            run = world.run()
        story[-1] += f"; error: {type(run.error).__name__}" if run.error else "; well"
    except KilledError:
        story[-1] += "; killed"
    world._nothing_open_is_stored()
    _nothing_was_appended_twice(world)


def _settle(world: World, folder: Path, pause: float) -> None:
    """The faults are over."""
    world.inject()
    world.limits = Limits()
    for _ in range(2):
        world.time.pass_by(pause)
        run = world.run()
        assert run.error is None, run.error
    for coin in world.coins:
        world.all_candles_are_there(coin)
    _nothing_was_appended_twice(world)
    world._bytes_are_those_of_the_exchange()
    assert world.lake.zone.units() == []
    before, shaken = world.lake.versions(), world.lake
    again = world.run()
    assert (again.error, world.lake.versions()) == (None, before)
    best = {coin: world.best(coin) for coin in world.coins}
    world.lake = lakes.Lake(folder / "calm")
    assert world.run().error is None
    assert best == {coin: world.best(coin) for coin in world.coins}
    world.lake = shaken


def _nothing_was_appended_twice(world: World) -> None:
    """A file may go back to bytes that it had before; but the same download brings each of its rows once."""
    for table, key in (
        ("klines", ("coin", "sha256", "source_row", "ingestion_ts")),
        ("checkpoints", ("coin", "source_uri", "status", "range_start", "range_end", "sha256", "ingestion_ts")),
    ):
        rows = world.lake.table(table)
        if not rows.is_empty():
            twice = rows.filter(rows.select(key).is_duplicated())
            assert twice.is_empty(), twice.select("coin", "ingestion_ts", pl.col("batch_id").str.head(8))


def killed_process(world: World, rng: random.Random) -> None:
    """A run in a process of its own that SIGKILL ends after some requests, or shortly after them."""
    world.inject(*some_faults(rng, world.coins))
    # Two runs never begin at the same microsecond, and which of their revisions is newer would then be left to chance.
    world.time.pass_by(1)
    asked, most = len(world.exchange.requests), rng.randrange(FEWEST_REQUESTS, 40)
    arguments = [str(world.lake.path), world.exchange.archive_url, world.now.isoformat(), START.isoformat()]
    command = [sys.executable, "-m", "faults.one_run", *arguments, *world.coins]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and len(world.exchange.requests) - asked < most:
            time.sleep(0.002)
        time.sleep(rng.choice([0.0, 0.01, 0.05, 0.2]))
        process.send_signal(signal.SIGKILL)
    told = world.lake.path.with_name("elapsed")
    # What it waited for has passed for everybody; a file cut off by the kill says nothing.
    waited = told.read_text(encoding="utf-8") if told.is_file() else ""
    world.time.pass_by(float(waited or 600))
    told.unlink(missing_ok=True)


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Play many seeds and name those that fail."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", type=int, default=50, help="how many seeds")
    parser.add_argument("--runs", type=int, default=8, help="runs with faults per seed")
    parser.add_argument("--no-processes", action="store_true", help="leave out processes of their own and SIGKILL")
    parser.add_argument("--story", action="store_true", help="tell what happened, also where all went well")
    chosen = parser.parse_args()
    # What goes wrong is meant to.
    logging.disable(logging.CRITICAL)
    failed = []
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        with tempfile.TemporaryDirectory() as folder:
            try:
                story = play(seed, Path(folder), chosen.runs, None if chosen.no_processes else killed_process)
            except Exception:  # noqa: BLE001 - whatever it was, the seed is named and the next one played
                failed.append(seed)
                _tell(f"seed {seed} FAILED\n{traceback.format_exc()}")
            else:
                _tell(f"seed {seed} held" + "".join(f"\n  {line}" for line in story if chosen.story))
    _tell(f"{chosen.seeds - len(failed)} of {chosen.seeds} seeds held" + (f"; failed: {failed}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
