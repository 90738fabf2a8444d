"""What no run that writes can go below."""

from __future__ import annotations

from benchmarks.context import Context
from benchmarks.render import COST_HEAD, Section, Table, cost_cells

_WHAT = (
    "Start Kedro with this project (bootstrap, session, context, catalog), start Spark with "
    "`klineforge.spark.session.get_session`, commit one row to a new Delta table. It is the yardstick of the parts "
    "below. Small runs start a session of their own kind (`brief`), which compiles less."
)


def measure_floor(context: Context) -> Section:
    """Measure the floor."""
    return Section(
        "floor",
        "Floor",
        (
            _WHAT,
            Table(
                ("", *COST_HEAD),
                (
                    ("floor", *cost_cells(context.floor)),
                    ("with the session of small runs", *cost_cells(context.brief_floor)),
                ),
            ),
        ),
    )
