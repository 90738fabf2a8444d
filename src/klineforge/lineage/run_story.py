"""The course of one run, written down three times: as a line of the run log, as rows of a table, as events.

The line is the record; what follows it may fail without consequences for the run.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kedro.pipeline import Node, Pipeline

from klineforge.interruption import INTERRUPTION
from klineforge.lake.journal import JOURNAL
from klineforge.lineage.sending import Nowhere, Sender, sender_for
from klineforge.lineage.telling import RunTeller, locations_of, tell_of_killed_run
from klineforge.reporting.redaction import redacted
from klineforge.reporting.runwriting import RunEnd, RunStart, mark_in_work, write_down_killed_run, write_line

logger = logging.getLogger(__name__)


class RunStory:
    """One run, from its begin to its end; its nodes are called in several threads.

    Args:
        lake: Root of a lake on this machine, locked by the caller; None for one elsewhere, which has no run log.
        start: The run.
        openlineage: ``conf/*/openlineage.yml``, and ``wanted``: whether there are to be events.
    """

    def __init__(self, lake: Path | None, start: RunStart, openlineage: Mapping[str, Any]) -> None:
        self._lake = lake
        self._start = start
        self._openlineage = {name: value for name, value in openlineage.items() if name != "wanted"}
        self._wanted = bool(openlineage.get("wanted", True))
        self._teller: RunTeller | None = None

    def begin(self, pipeline: Pipeline, catalog: Any) -> None:
        """The run begins; a run before it that was killed is written down first.

        Args:
            pipeline: What will be run.
            catalog: Where its tables are.
        """
        sender = self._sender()
        if self._lake is not None:
            self._mark(self._lake, sender)
        try:
            self._teller = RunTeller(sender, self._start, pipeline, locations_of(catalog, pipeline.datasets()))
        except Exception as error:  # noqa: BLE001 - lineage is no reason for a run to fail
            _say_untold(error)
        self._tell(lambda teller: teller.run_began())

    def node_began(self, node: Node) -> None:
        """A node is called."""
        entry = JOURNAL.node_began(node.name, tuple(node.outputs), datetime.now(UTC))
        self._tell(lambda teller: teller.node_began(entry))

    def node_saved(self, node: Node, output: str) -> None:
        """An output of a node was saved; a generator may save more of it."""
        is_stream = inspect.isgeneratorfunction(node.func)
        entry = JOURNAL.node_saved(node.name, output, datetime.now(UTC), is_stream=is_stream)
        if entry is not None:
            self._tell(lambda teller: teller.node_ended(entry, tuple(JOURNAL.entries)))

    def node_failed(self, node: Node, error: Exception) -> None:
        """A node raised an error; how that is to be seen is known when the run has ended."""
        JOURNAL.node_failed(node.name, str(error) or type(error).__name__)

    def end(self, outcome: str, error: str | None) -> None:
        """The run has ended: write it down, put it into the table if it has changed something, tell of it.

        Args:
            outcome: One of the run log's.
            error: What went wrong.
        """
        end = RunEnd(datetime.now(UTC), outcome, error)
        late = JOURNAL.close(outcome, error, end.ended_at)
        tables = tuple(JOURNAL.entries)
        try:
            if self._lake is not None:
                write_line(self._lake, self._start, end, JOURNAL.nodes, tables)
        except (OSError, TypeError, ValueError) as problem:
            logger.warning("run %s is not in the run log, which cannot be written: %s", self._start.run_id, problem)
        else:
            if self._lake is not None and any(table.version not in {None, table.version_before} for table in tables):
                _fill_table(self._lake)
        self._tell(lambda teller: teller.run_ended(end, late, tables))

    def _sender(self) -> Sender:
        try:
            return sender_for(self._lake, self._openlineage, wanted=self._wanted)
        except Exception as error:  # noqa: BLE001 - lineage is no reason for a run to fail
            _say_untold(error)
            return Nowhere()

    def _tell(self, tell: Callable[[RunTeller], None]) -> None:
        teller = self._teller
        if teller is None:
            return
        try:
            tell(teller)
        except Exception as error:  # noqa: BLE001 - lineage is no reason for a run to fail
            self._teller = None
            _say_untold(error)

    def _mark(self, lake: Path, sender: Sender) -> None:
        try:
            killed = write_down_killed_run(lake, self._start.started_at)
            mark_in_work(lake, self._start)
        except (OSError, TypeError, ValueError) as error:
            logger.warning("the run log cannot be written; this run may be missing in it: %s", error)
            return
        if killed is not None:
            logger.info("the run %s before this one did not come to an end", killed.run_id)
            tell_of_killed_run(sender, killed)


def _say_untold(error: Exception) -> None:
    said = redacted((str(error).splitlines() or [""])[0])
    logger.warning("no more OpenLineage events are sent of this run: %s: %s", type(error).__name__, said)


def _fill_table(lake: Path) -> None:
    # The writer lets nothing be committed once the user wants the end: the next run takes this one over.
    if INTERRUPTION.is_requested:
        return
    from klineforge.reporting.runtable import take_over

    try:
        take_over(lake)
    except Exception as error:  # noqa: BLE001 - whatever it is, the run has done its work
        said = redacted((str(error).splitlines() or [type(error).__name__])[0])
        logger.warning(
            "the table run_log was not written, its newest runs are in _klineforge/runs.jsonl alone; the next run that "
            "changes something tries again: %s",
            said,
        )
