"""Runs and nodes as OpenLineage events: plain dictionaries in the published form, which every transport takes.

The client's typed classes would say the same, at the price of importing them in every run (ADR 17); the tests build
each event through them and compare.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from kedro import __version__ as kedro_version

from klineforge import __version__
from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import TableContract
from klineforge.lake.location import TableLocation
from klineforge.reporting.redaction import redacted

Event = dict[str, Any]
Kind = Literal["START", "COMPLETE", "FAIL", "ABORT"]

PRODUCER: Final = f"urn:klineforge:{__version__}"
_SPEC: Final = "https://openlineage.io/spec"
_FACETS: Final = {
    "parent": "1-2-0/ParentRunFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "executionParameters": "1-0-0/ExecutionParametersRunFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "documentation": "1-1-0/DocumentationDatasetFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
}
_ENDINGS: Final[Mapping[str, Kind]] = {"succeeded": "COMPLETE", "partial": "COMPLETE", "failed": "FAIL"}


@dataclass(frozen=True)
class Place:
    """A dataset's name in OpenLineage, unique within a namespace that says how it is reached."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Work:
    """A run, or a node of it.

    Args:
        job: Name of the job.
        id: Identifier of this execution, a UUID.
        kind: What the job is in Kedro.
        parent: The run a node belongs to.
    """

    job: str
    id: str
    kind: Literal["PIPELINE", "NODE"]
    parent: Work | None = None


@dataclass(frozen=True)
class Written:
    """What was done to a table.

    Args:
        version: Newest Delta version.
        rows: Rows inserted, updated and deleted.
        size: Bytes of the data files added; None where nobody knows.
        has_changed: Whether the run committed to it.
    """

    version: int | None
    rows: int
    size: int | None
    has_changed: bool


def run_work(run_id: str, pipeline: str) -> Work:
    """A run as a job; the UUID follows from the identifier that the run log and the commits carry.

    >>> run_work("0a1b2c3d4e5f", "marts") == run_work("0a1b2c3d4e5f", "marts")
    True
    """
    return Work(pipeline, str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:klineforge:run:{run_id}")), "PIPELINE")


def node_work(run: Work, name: str) -> Work:
    """A node of a run as a job of its own."""
    return Work(f"{run.job}.{name}", str(uuid.uuid5(uuid.UUID(run.id), name)), "NODE", run)


def ending(outcome: str) -> Kind:
    """The event that an outcome of the run log is told by.

    >>> ending("partial"), ending("failed"), ending("interrupted"), ending("killed")
    ('COMPLETE', 'FAIL', 'ABORT', 'ABORT')
    """
    return _ENDINGS.get(outcome, "ABORT")


def event(
    kind: Kind,
    work: Work,
    at: datetime,
    *,
    inputs: Iterable[Event] = (),
    outputs: Iterable[Event] = (),
    error: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> Event:
    """One event.

    Args:
        kind: What has happened.
        work: To which run or node.
        at: When, UTC.
        inputs: What it reads, by ``dataset``.
        outputs: What it writes, by ``dataset``.
        error: What went wrong; credentials are taken out.
        parameters: What the run was called with; credentials are taken out.
    """
    return {
        "eventType": kind,
        "eventTime": at.isoformat(),
        "producer": PRODUCER,
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": work.id, "facets": _run_facets(work, error, parameters)},
        "job": {"namespace": job_namespace(), "name": work.job, "facets": {"jobType": _job_type(work)}},
        "inputs": list(inputs),
        "outputs": list(outputs),
    }


def dataset(
    place: Place,
    name: str,
    *,
    version: int | None = None,
    written: Written | None = None,
    with_columns: bool = True,
) -> Event:
    """A dataset as an input or output of an event.

    Args:
        place: Where it is.
        name: Its catalog name; tables tell their columns by it.
        version: Delta version that was read.
        written: What was done to it.
        with_columns: Whether a table that has changed tells its columns.
    """
    contract = CONTRACTS.get(name) if with_columns else None
    told: Event = {"namespace": place.namespace, "name": place.name, "facets": {}}
    newest = version if written is None else written.version
    if newest is not None:
        told["facets"]["version"] = _facet("version", datasetVersion=str(newest))
    if written is not None and written.has_changed:
        if contract is not None:
            told["facets"]["schema"] = _schema(contract)
            told["facets"]["documentation"] = _facet("documentation", description=contract.description)
        size = {} if written.size is None else {"size": written.size}
        told["outputFacets"] = {"outputStatistics": _facet("outputStatistics", rowCount=written.rows, **size)}
    return told


def place_of(name: str, location: TableLocation | None) -> Place:
    """Where a dataset is: the path of a table, its name in a catalog, else the name of the catalog entry.

    >>> place_of("dim_coins", TableLocation(path="s3://bucket/gold/dim_coins"))
    Place(namespace='s3://bucket', name='gold/dim_coins')
    >>> place_of("ingestion_plan", None)
    Place(namespace='klineforge', name='ingestion_plan')
    """
    if location is None:
        return Place(job_namespace(), name)
    if location.path is None:
        return Place("catalog", str(location.name))
    scheme, found, rest = location.path.partition("://")
    if not found:
        return Place("file", str(Path(location.path).absolute()))
    host, _, path = str(redacted(rest)).partition("/")
    return Place(f"{scheme}://{host.rpartition('@')[2]}", path)


def job_namespace() -> str:
    """The namespace of all jobs; OpenLineage's own variable says another."""
    return os.environ.get("OPENLINEAGE_NAMESPACE") or "klineforge"


def _run_facets(work: Work, error: str | None, parameters: Mapping[str, Any] | None) -> Event:
    facets: Event = {}
    if work.kind == "PIPELINE":
        # Of its nodes it is the same.
        facets["processing_engine"] = _facet(
            "processing_engine", version=kedro_version, name="Kedro", openlineageAdapterVersion=__version__
        )
    if work.parent is not None:
        job = {"namespace": job_namespace(), "name": work.parent.job}
        facets["parent"] = _facet("parent", run={"runId": work.parent.id}, job=job)
    if error:
        facets["errorMessage"] = _facet("errorMessage", message=redacted(error), programmingLanguage="Python")
    if parameters:
        told = [{"key": name, "value": str(value)} for name, value in redacted(dict(parameters)).items()]
        facets["executionParameters"] = _facet("executionParameters", parameters=told)
    return facets


def _job_type(work: Work) -> Event:
    return _facet("jobType", processingType="BATCH", integration="KEDRO", jobType=work.kind)


def _schema(contract: TableContract) -> Event:
    columns = enumerate(contract.all_columns, start=1)
    return _facet(
        "schema",
        fields=[
            {"name": column.name, "type": column.type, "description": column.comment, "ordinal_position": number}
            for number, column in columns
        ],
    )


def _facet(key: str, **values: Any) -> Event:
    version, _, name = _FACETS[key].partition("/")
    return {"_producer": PRODUCER, "_schemaURL": f"{_SPEC}/facets/{version}/{name}.json#/$defs/{name}", **values}
