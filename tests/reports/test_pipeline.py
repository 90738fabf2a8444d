"""``kedro run --pipeline report`` as a user runs it: both files, or the HTML alone where there is no Chromium."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from e2e.project import kedro
from small_lake.market import END

from klineforge.reports.printing import find_chromium


@pytest.fixture(scope="module")
def lake(small_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that a run may write its log into."""
    return Path(shutil.copytree(small_lake, tmp_path_factory.mktemp("report") / "lake"))


def run_report(lake: Path, folder: Path, *more: str, expected: int = 0, **variables: str) -> str:
    given = ",".join([f"lake={lake}", f"report.folder={folder}", *more])
    variables = {"COLUMNS": "200", **variables}
    done = kedro("run", "--env", "demo", "--pipeline", "report", "--params", given, expected=expected, **variables)
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    return said


def test_pipeline_writes_both_files_dated_and_readable_offline(lake: Path, tmp_path: Path) -> None:
    if find_chromium() is None:
        pytest.skip("no Chromium on this machine: install one, or name it in KLINEFORGE_CHROMIUM")

    run_report(lake, tmp_path)

    (html,) = tmp_path.rglob("*.html")
    (pdf,) = tmp_path.rglob("*.pdf")
    assert f"{END:%Y-%m-%d}" in html.name or f"{END:%Y%m%d}" in html.name
    assert html.stem == pdf.stem
    assert pdf.read_bytes().startswith(b"%PDF-")
    written = html.read_text()
    assert written.count("<h1") >= 5
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.https?:", written)


def test_pipeline_without_chromium_writes_the_html_and_says_so(lake: Path, tmp_path: Path) -> None:
    said = run_report(lake, tmp_path, PATH="/nowhere", KLINEFORGE_CHROMIUM="")

    assert [file.suffix for file in tmp_path.rglob("*.*")] == [".html"]
    assert "There is no PDF of the report" in said
    assert "KLINEFORGE_CHROMIUM" in said


def test_pipeline_with_a_bad_parameter_says_what_is_expected(lake: Path, tmp_path: Path) -> None:
    said = run_report(lake, tmp_path, "report.range=2h", expected=1)

    assert "report.range" in said
    assert "24h" in said
    assert not list(tmp_path.iterdir())
