"""Whether runs still come, by the end of the run log alone: for health checks, many times an hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from klineforge.reporting.runlog import RUN_LOG, newest_blocks
from klineforge.reporting.runrecord import RunRecord, parse_line

DEFAULT_PIPELINE: Final = "__default__"
# A partial run has brought all coins but those that the exchange did not deliver: alerts tell of them.
_ALIVE: Final = frozenset({"succeeded", "partial"})


@dataclass(frozen=True, slots=True)
class Pulse:
    """The verdict on a lake's runs.

    Args:
        beats: Whether a run ended well recently enough.
        told: One line for people.
    """

    beats: bool
    told: str


def read_pulse(lake: Path, now: datetime, within: timedelta, pipeline: str = DEFAULT_PIPELINE) -> Pulse:
    """Judge by the end of the newest run that succeeded; runs that failed since then are no life.

    Args:
        lake: Root of the lake.
        now: Aware UTC instant.
        within: How long ago the run may have ended.
        pipeline: Name of the pipeline whose runs count, alone or together with others.

    Returns:
        A pulse that does not beat for a lake without such a run, too.
    """
    newest = _newest(lake, pipeline)
    if newest is None:
        return Pulse(beats=False, told=f"no run of {pipeline} has succeeded yet: nothing in {lake / RUN_LOG} says so")
    beats = now - newest.ended_at <= within
    told = (
        f"the newest run of {pipeline} that succeeded ended {newest.ended_at:%Y-%m-%d %H:%M} UTC ({newest.run_id[:12]})"
    )
    minutes = within / timedelta(minutes=1)
    return Pulse(beats=beats, told=told if beats else f"{told}; expected one within {minutes:.0f} minutes")


def _newest(lake: Path, pipeline: str) -> RunRecord | None:
    for lines in newest_blocks(lake):
        for record in map(parse_line, lines):
            if record is not None and pipeline in record.pipeline.split(",") and record.outcome in _ALIVE:
                return record
    return None
