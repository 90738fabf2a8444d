"""What is made of measurements: medians, ratios, tables, and their place in a document."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import pytest
from benchmarks.context import seconds_said
from benchmarks.parts.hourly import first_and_last
from benchmarks.process import Measurement, measure
from benchmarks.render import Section, Table, cost_cells, replaced
from benchmarks.runs import Run, TableWork, rows_table, stage_table
from benchmarks.stats import Cost, cost_of, ratio, verdict

STARTED = datetime(2026, 1, 1, tzinfo=UTC)


def measured(wall: float, cpu: float = 1.0, memory: int = 0, output: str = "") -> Measurement:
    return Measurement(wall, cpu, memory, output=output, started=STARTED)


def work(table: str, seconds: float, action: str = "append", *, after: float = 0.0) -> TableWork:
    began = STARTED + timedelta(seconds=after)
    return TableWork(table, action, 1000, 2, 3, 4, seconds, began.isoformat())


def test_cost_is_medians_of_times_and_the_largest_memory() -> None:
    cost = cost_of([measured(3.0, 9.0, 5), measured(1.0, 8.0, 7), measured(2.0, 1.0, 6)])
    assert cost == Cost(wall=2.0, cpu=8.0, memory=7, runs=3, spread=(1.0, 3.0), others=0.0)
    with pytest.raises(ValueError, match="no measurements"):
        cost_of([])


def test_cost_cells_show_the_spread_of_several_runs_only() -> None:
    assert cost_cells(Cost(9.52, 14.04, 700 * 2**20, 3, (9.4, 9.9), 0.21)) == (
        "9.5 (9.4 to 9.9)",
        "14.0",
        "700",
        "3",
        "0.2",
    )
    assert cost_cells(Cost(9.52, 14.04, 0, 1, (9.52, 9.52)))[0] == "9.5"


def test_ratio_and_verdict() -> None:
    assert (ratio(3.0, 2.0), ratio(1.0, 0.0)) == ("1.50", "-")
    assert (verdict(1.8, 1.8), verdict(1.9, 1.8)) == ("met", "missed")


def test_stages_of_a_run_add_up_to_its_wall_time() -> None:
    run = Run(
        measured(20.0),
        STARTED + timedelta(seconds=3),
        STARTED + timedelta(seconds=18),
        (work("bronze", 2.0, after=3), work("fact", 5.0, after=8), work("bronze", 1.5, after=5.5)),
    )
    assert list(run.stages.values()) == pytest.approx([3.0, 3.5, 5.0, 6.5, 2.0])
    assert sum(run.stages.values()) == pytest.approx(20.0)


def test_tables_that_were_made_side_by_side_leave_more_of_the_pipeline_to_the_rest() -> None:
    end = STARTED + timedelta(seconds=10)
    run = Run(measured(11.0), STARTED, end, (work("returns", 4.0, after=1), work("volume", 3.0, after=3)))
    assert list(run.stages.values()) == pytest.approx([0.0, 4.0, 3.0, 5.0, 1.0])


def test_stage_table_keeps_what_comes_last_last_though_runs_have_different_tables() -> None:
    end = STARTED + timedelta(seconds=9)
    runs = {name: Run(measured(10.0), STARTED, end, (work(table, 1.0),)) for name, table in (("a", "x"), ("b", "y"))}
    table = stage_table(runs)
    assert [row[0].split()[0] for row in table.rows] == ["Python", "x", "y", "rest", "after", "**whole"]
    assert table.rows[1] == ("x", "1.0", "")


def test_rows_table_leaves_out_tables_that_were_left_alone() -> None:
    run = Run(measured(1.0), STARTED, STARTED, (work("fact", 1.0), work("gaps", 0.0, "unchanged")))
    assert rows_table(run).rows == (("`fact`", "append", "1,000", "2", "3", "4"),)


def test_section_is_markdown_with_its_failures() -> None:
    section = Section("floor", "Floor", ("Text.", Table(("a", "b"), (("1", "2"),))), ("It broke.",))
    assert str(section) == "### Floor\n\nText.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n**It broke.**"


def test_parts_are_written_in_their_order_and_later_replaced_in_place() -> None:
    order = ("one", "two", "three")
    document = "# Title\n\nBy hand.\n"
    for part in ("one", "three", "two", "one"):
        document = replaced(document, part, rf"found \1 {part}", order)
    places = [document.index(rf"found \1 {part}") for part in order]
    assert places == sorted(places)
    assert document.count("found") == 3
    assert document.startswith("# Title\n\nBy hand.\n")
    assert replaced(document, "two", "anew", order).count("found") == 2


def test_first_and_last_runs_leave_the_warm_up_out() -> None:
    assert first_and_last([9.0, *[1.0] * 6, *[2.0] * 3]) == ([1.0] * 3, [2.0] * 3)
    first, last = first_and_last([float(number) for number in range(200)])
    assert (first, last) == ([float(n) for n in range(20, 40)], [float(n) for n in range(180, 200)])


def test_seconds_a_program_said() -> None:
    assert seconds_said(measured(1.0, output="warning\nseconds 12.5\n")) == 12.5
    with pytest.raises(ValueError, match="expected a line 'seconds X'"):
        seconds_said(measured(1.0, output="nothing"))


@pytest.mark.skipif(sys.platform != "linux", reason="the process tree is read from /proc")
def test_measure_counts_children_and_names_programs() -> None:
    child = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')"
    found = measure([sys.executable, "-c", parent])
    assert found.output == "done\n"
    assert found.wall >= 0.3
    assert found.cpu >= 0.3
    assert found.peak_memory > 1_000_000
    assert any("python" in name for name in found.programs)


def test_measure_tells_what_a_failing_command_printed() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)ended with 3.*the reason"):
        measure([sys.executable, "-c", "print('the reason'); raise SystemExit(3)"])
