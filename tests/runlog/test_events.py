"""Events say what the published OpenLineage classes say, and what really happened."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from kedro.pipeline import Node, Pipeline
from kedro.runner import AbstractRunner, SequentialRunner
from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde
from runlog.running import TABLE, appending, batches, events, pipeline_of, run

from klineforge.contracts import CONTRACTS
from klineforge.datasets.delta_table import Append
from klineforge.lake.location import TableLocation
from klineforge.lineage.events import Place, place_of
from klineforge.runner import SideBySideRunner

RUNNERS = [SequentialRunner(), SideBySideRunner(max_workers=2)]


def typed_facet(facet: dict[str, Any]) -> Any:
    """A facet through the published class that its schema URL names."""
    name = facet["_schemaURL"].rpartition("/")[2]
    classes = (vars(module).get(name) for module in vars(facet_v2).values() if inspect.ismodule(module))
    kind = next(found for found in classes if found is not None)
    values = {key: value for key, value in facet.items() if not key.startswith("_")}
    return kind(**values, producer=facet["_producer"])


def typed(event: dict[str, Any]) -> dict[str, Any]:
    """An event built through the published classes, as they write it."""

    def facets(told: dict[str, Any]) -> dict[str, Any]:
        return {key: typed_facet(facet) for key, facet in told.items()}

    def datasets(kind: Any, own: str, told: list[dict[str, Any]]) -> list[Any]:
        parts = ({**one, "facets": facets(one["facets"]), own: facets(one.get(own, {}))} for one in told)
        return [kind(**part) for part in parts]

    whole = event_v2.RunEvent(
        eventType=event_v2.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=event_v2.Run(event["run"]["runId"], facets(event["run"]["facets"])),
        job=event_v2.Job(event["job"]["namespace"], event["job"]["name"], facets(event["job"]["facets"])),
        inputs=datasets(event_v2.InputDataset, "inputFacets", event["inputs"]),
        outputs=datasets(event_v2.OutputDataset, "outputFacets", event["outputs"]),
    )
    return Serde.to_dict(whole)


def without_empty(value: Any) -> Any:
    """The classes write empty facets and fields that we leave out; both mean the same."""
    if isinstance(value, dict):
        kept = {key: without_empty(part) for key, part in value.items()}
        return {key: part for key, part in kept.items() if part not in ({}, [], None)}
    return [without_empty(part) for part in value] if isinstance(value, list) else value


def told(lake: Path) -> list[tuple[str, str]]:
    """Kind and job of the events, in order."""
    return [(event["eventType"], event["job"]["name"]) for event in events(lake)]


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda runner: type(runner).__name__)
def test_events_of_a_run_and_its_nodes(tmp_path: Path, runner: AbstractRunner) -> None:
    assert run(tmp_path, appending("binance"), runner=runner, parameters={"coins": "BTCUSDT", "token": "abc"}) is None
    assert told(tmp_path) == [
        ("START", "gold"),
        ("START", "gold.make_exchanges"),
        ("COMPLETE", "gold.make_exchanges"),
        ("START", "gold.count_exchanges"),
        ("COMPLETE", "gold.count_exchanges"),
        ("COMPLETE", "gold"),
    ]
    start, node, made, _, counted, _ = events(tmp_path)
    parent = node["run"]["facets"]["parent"]
    assert (parent["run"]["runId"], parent["job"]["name"]) == (start["run"]["runId"], "gold")
    assert made["run"]["runId"] == node["run"]["runId"] != counted["run"]["runId"]
    assert {"key": "coins", "value": "BTCUSDT"} in start["run"]["facets"]["executionParameters"]["parameters"]
    assert {"key": "token", "value": "***"} in start["run"]["facets"]["executionParameters"]["parameters"]
    (output,) = made["outputs"]
    assert (output["namespace"], output["name"]) == ("file", str(tmp_path / "gold" / TABLE))
    assert output["facets"]["version"]["datasetVersion"] == "1"
    fields = output["facets"]["schema"]["fields"]
    assert [(field["name"], field["description"]) for field in fields] == [
        (column.name, column.comment) for column in CONTRACTS[TABLE].columns
    ]
    statistics = output["outputFacets"]["outputStatistics"]
    size = sum(file.stat().st_size for file in (tmp_path / "gold" / TABLE).glob("*.parquet"))
    assert (statistics["rowCount"], statistics["size"]) == (1, size)
    assert [(place["namespace"], place["name"]) for place in counted["inputs"]] == [("file", output["name"])]
    assert [(place["namespace"], place["name"]) for place in counted["outputs"]] == [("klineforge", "count")]


def test_every_event_is_what_the_published_classes_write(tmp_path: Path) -> None:
    def fail() -> Append:
        raise ValueError("no source")

    assert run(tmp_path, appending("binance"), parameters={"coins": "BTCUSDT"}) is None
    assert run(tmp_path, appending("")) is None
    assert run(tmp_path, pipeline_of(fail)) is not None
    written = events(tmp_path)
    assert len(written) == 6 + 6 + 4
    for event in written:
        assert without_empty(typed(event)) == without_empty(event)


def test_table_that_did_not_change_tells_its_version_alone(tmp_path: Path) -> None:
    assert run(tmp_path, appending("binance")) is None
    assert run(tmp_path, appending("")) is None
    made = [event for event in events(tmp_path) if event["job"]["name"] == "gold.make_exchanges"][-1]
    assert set(made["outputs"][0]["facets"]) == {"version"}
    assert "outputFacets" not in made["outputs"][0]


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda runner: type(runner).__name__)
def test_failure_is_told_in_its_own_words_without_credentials(tmp_path: Path, runner: AbstractRunner) -> None:
    def fail() -> Append:
        raise ValueError("no answer from https://me:secret@host/x")

    assert run(tmp_path, pipeline_of(fail), runner=runner) is not None
    assert told(tmp_path)[-2:] == [("FAIL", "gold.make_exchanges"), ("FAIL", "gold")]
    for event in events(tmp_path)[-2:]:
        assert event["run"]["facets"]["errorMessage"]["message"] == "no answer from https://***@host/x"
        assert "stackTrace" not in event["run"]["facets"]["errorMessage"]
    assert "secret" not in str(events(tmp_path))


def test_node_of_batches_completes_once_with_what_all_of_them_wrote(tmp_path: Path) -> None:
    assert run(tmp_path, pipeline_of(batches("", "a", "b"))) is None
    ends = [event for event in events(tmp_path) if event["eventType"] == "COMPLETE"]
    (made,) = [event for event in ends if event["job"]["name"] == "gold.make_exchanges"]
    assert made["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert made["outputs"][0]["facets"]["version"]["datasetVersion"] == "2"


def test_killed_run_is_aborted_by_the_next(tmp_path: Path) -> None:
    class Killed(BaseException):
        """As SIGKILL."""

    def die() -> Append:
        raise Killed

    with pytest.raises(Killed):
        run(tmp_path, pipeline_of(die), runner=SequentialRunner())
    assert run(tmp_path, appending("binance")) is None
    first, _, abort = events(tmp_path)[:3]
    assert (abort["eventType"], abort["run"]["runId"]) == ("ABORT", first["run"]["runId"])


def test_node_without_outputs_comes_to_an_end(tmp_path: Path) -> None:
    def look(count: int) -> None:
        assert count == 1

    extended = appending("binance") + Pipeline([Node(look, "count", None, name="look_at_count")])
    assert run(tmp_path, extended) is None
    assert ("COMPLETE", "gold.look_at_count") in told(tmp_path)[:-1]


def test_namespace_of_jobs_is_openlineages_own_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "production")
    assert run(tmp_path, appending("binance")) is None
    assert {event["job"]["namespace"] for event in events(tmp_path)} == {"production"}


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (TableLocation(name="main.gold.dim_exchange"), Place("catalog", "main.gold.dim_exchange")),
        (TableLocation(path="s3://key:secret@bucket/gold/x"), Place("s3://bucket", "gold/x")),
        (TableLocation(path="/lake/gold/x"), Place("file", "/lake/gold/x")),
    ],
)
def test_place_of_a_table(location: TableLocation, expected: Place) -> None:
    assert place_of(TABLE, location) == expected
