"""Printing: Chromium that is missing, hangs, fails; and the real one, where there is one."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from kedro.io import DatasetError

from klineforge.datasets.report_files import PrintedReportDataset, ReportFolderDataset, ServingLakeDataset
from klineforge.errors import ConfigurationError
from klineforge.reports.printing import VARIABLE, PrintingError, find_chromium, print_pdf

PAGE = "<!DOCTYPE html><html><style>@page{size:A4 landscape}p{break-after:page}</style><p>one</p><p>two</p>three</html>"


def _program(folder: Path, script: str) -> str:
    program = folder / "chromium"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_chromium_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    program = _program(tmp_path, f"(while true; do date > {alive}; sleep 0.05; done) &\nsleep 60")
    with pytest.raises(PrintingError, match=r"did not print the report within 0\.5 seconds and was ended"):
        print_pdf(PAGE, program, seconds=0.5)
    alive.unlink(missing_ok=True)
    time.sleep(0.3)
    assert not alive.exists()


def test_chromium_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(PrintingError, match="ended with code 3 instead of printing the report. It said: no display"):
        print_pdf(PAGE, _program(tmp_path, "echo no display >&2; exit 3"))


def test_chromium_that_writes_nothing_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(PrintingError, match="ended without writing a PDF"):
        print_pdf(PAGE, _program(tmp_path, "exit 0"))


def test_chromium_that_was_named_and_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/no/such/chromium")
    with pytest.raises(ConfigurationError, match="KLINEFORGE_CHROMIUM is '/no/such/chromium', which is no program"):
        find_chromium()


def test_machine_without_chromium_has_no_pdf_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    old = tmp_path / "report.pdf"
    old.write_bytes(b"%PDF of an earlier report")
    PrintedReportDataset(filepath=str(old)).save(PAGE)
    assert not old.exists()
    assert "There is no PDF of the report: no Chromium or Chrome was found" in caplog.text


def test_machine_with_chromium_prints_a4_landscape(tmp_path: Path) -> None:
    if find_chromium() is None:
        pytest.skip("no Chromium or Chrome on this machine; KLINEFORGE_CHROMIUM names one")
    dataset = PrintedReportDataset(filepath=str(tmp_path / "report.pdf"))
    dataset.save(PAGE)
    made = dataset.load()
    boxes = {tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox \[([\d. ]+)\]", made)}
    ((_, _, width, height),) = boxes
    assert (round(width / 72 * 25.4), round(height / 72 * 25.4)) == (297, 210)
    assert len(re.findall(rb"/Type /Page\b", made)) == 3


@pytest.mark.parametrize("path", ["s3://bucket/lake", "/Volumes/main/klineforge/files"])
def test_lake_that_is_no_folder_of_the_machine_is_refused(path: str) -> None:
    with pytest.raises(DatasetError, match="the report reads lakes in folders of this machine"):
        ServingLakeDataset(path=path).load()


def test_folder_in_object_storage_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="the report is written to folders of this machine, and s3://bucket"):
        ReportFolderDataset(path="s3://bucket/reports", dataset="kedro_datasets.text.TextDataset")


def test_folder_has_a_file_per_report_beside_those_before(tmp_path: Path) -> None:
    folder = ReportFolderDataset(path=str(tmp_path), dataset="kedro_datasets.text.TextDataset", filename_suffix=".html")
    folder.save({"klineforge_2026-11-23_0300": "one"})
    folder.save({"klineforge_2026-11-23_0400": "two"})
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "klineforge_2026-11-23_0300.html",
        "klineforge_2026-11-23_0400.html",
    ]
