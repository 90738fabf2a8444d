"""Tell of one run as it goes: events when it and its nodes begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kedro.pipeline import Node, Pipeline

from klineforge.contracts import CONTRACTS
from klineforge.lake.journal import NodeEntry, TableEntry
from klineforge.lake.location import TableLocation
from klineforge.lineage.events import (
    Event,
    Written,
    dataset,
    ending,
    event,
    node_work,
    place_of,
    run_work,
)
from klineforge.lineage.sending import Sender
from klineforge.reporting.runrecord import RunRecord
from klineforge.reporting.runwriting import RunEnd, RunStart


class RunTeller:
    """Sends the events of one run; nodes may begin and end in several threads.

    Args:
        sender: Where events go.
        start: The run.
        pipeline: Its nodes.
        locations: Of those datasets that are tables, by catalog name.
    """

    def __init__(
        self,
        sender: Sender,
        start: RunStart,
        pipeline: Pipeline,
        locations: Mapping[str, TableLocation],
    ) -> None:
        self._sender = sender
        self._start = start
        self._run = run_work(start.run_id, start.pipeline)
        self._nodes = {node.name: node for node in pipeline.nodes}
        names = {_entry_name(name) for name in pipeline.datasets() if not _is_parameter(name)}
        self._places = {name: place_of(name, locations.get(name)) for name in names}
        self._inputs = sorted({_entry_name(name) for name in pipeline.inputs() if not _is_parameter(name)})
        self._outputs = sorted({_entry_name(name) for name in pipeline.all_outputs()})

    def run_began(self) -> None:
        """The run has begun."""
        facts = {**self._start.parameters, "env": self._start.env}
        self._sender.send(
            event(
                "START",
                self._run,
                self._start.started_at,
                inputs=self._told(self._inputs),
                outputs=self._told(self._outputs),
                parameters=facts,
            )
        )

    def node_began(self, entry: NodeEntry) -> None:
        """A node has been called."""
        node = self._nodes[entry.name]
        self._sender.send(
            event(
                "START",
                node_work(self._run, entry.name),
                entry.started_at,
                inputs=self._told(_inputs_of(node)),
                outputs=self._told(_outputs_of(node)),
            )
        )

    def node_ended(self, entry: NodeEntry, tables: Iterable[TableEntry]) -> None:
        """A node has saved its last output, or failed.

        Args:
            entry: The node; it has ended.
            tables: What the run has done to tables so far.
        """
        node = self._nodes[entry.name]
        outputs = _outputs_of(node)
        own = [table for table in tables if table.table in outputs]
        read = {name: version for table in own for name, version in table.read.items()}
        self._sender.send(
            event(
                ending(entry.outcome),
                node_work(self._run, entry.name),
                entry.ended_at or entry.started_at,
                inputs=[dataset(self._places[name], name, version=read.get(name)) for name in _inputs_of(node)],
                outputs=self._told_written(outputs, own),
                error=entry.error,
            )
        )

    def run_ended(self, end: RunEnd, late: Iterable[NodeEntry], tables: Iterable[TableEntry]) -> None:
        """The run has ended; waits a little until everything is delivered.

        Args:
            end: How.
            late: Nodes of which only now is known that they have ended.
            tables: What the run has done to tables.
        """
        done = tuple(tables)
        for entry in late:
            self.node_ended(entry, done)
        self._sender.send(
            event(
                ending(end.outcome),
                self._run,
                end.ended_at,
                inputs=self._told(self._inputs),
                # The nodes have told the columns.
                outputs=self._told_written(self._outputs, done, with_columns=False),
                error=end.error,
            )
        )
        self._sender.close()

    def _told(self, names: Iterable[str]) -> list[Event]:
        return [dataset(self._places[name], name) for name in names]

    def _told_written(
        self, names: Iterable[str], tables: Iterable[TableEntry], *, with_columns: bool = True
    ) -> list[Event]:
        entries = tuple(tables)
        return [
            dataset(self._places[name], name, written=_written(name, entries), with_columns=with_columns)
            for name in names
        ]


def tell_of_killed_run(sender: Sender, run: RunRecord) -> None:
    """End a run that was killed before it could tell so itself."""
    work = run_work(run.run_id, run.pipeline)
    sender.send(event("ABORT", work, run.ended_at, error=run.error))


def _written(name: str, tables: Iterable[TableEntry]) -> Written | None:
    own = [table for table in tables if table.table == name]
    if not own:
        return None
    versions = [table.version for table in own if table.version is not None]
    sizes = [table.bytes_added for table in own if table.bytes_added is not None]
    return Written(
        version=max(versions, default=None),
        rows=sum(table.inserted + table.updated + table.deleted for table in own),
        size=sum(sizes) if sizes else None,
        has_changed=any(table.version not in {None, table.version_before} for table in own),
    )


def _inputs_of(node: Node) -> list[str]:
    return list(dict.fromkeys(_entry_name(name) for name in node.inputs if not _is_parameter(name)))


def _outputs_of(node: Node) -> list[str]:
    return [_entry_name(name) for name in node.outputs]


def _is_parameter(name: str) -> bool:
    return name == "parameters" or name.startswith("params:")


def _entry_name(name: str) -> str:
    """A dataset's name without Kedro's suffix for another way to read it."""
    return name.partition("@")[0]


def locations_of(catalog: Any, names: Iterable[str]) -> dict[str, TableLocation]:
    """Where the tables of a catalog are, by name; datasets that are no tables are left out."""
    found: dict[str, TableLocation] = {}
    for name in (name for name in names if _entry_name(name) in CONTRACTS):
        location = getattr(catalog.get(name), "location", None)
        if isinstance(location, TableLocation):
            found[_entry_name(name)] = location
    return found
