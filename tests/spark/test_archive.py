"""Which class archive belongs to which JVM, and that none is needed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from klineforge.errors import EnvironmentProblem
from klineforge.spark.archive import archive_file, archive_options, make_archive
from klineforge.spark.java import Java

JAVA = Java(Path("/usr/bin/java"), "17.0.15", "PATH")
JARS = (Path("/cache/a.jar"),)


def test_archive_file_is_one_per_java_and_class_path_inside_the_environment() -> None:
    file = archive_file(JAVA, JARS)
    assert file.is_relative_to(sys.prefix)
    assert file == archive_file(JAVA, JARS)
    assert file != archive_file(Java(JAVA.executable, "17.0.16", "PATH"), JARS)
    assert file != archive_file(JAVA, (Path("/other/a.jar"),))


def test_archive_options_without_archive_are_none(tmp_path: Path) -> None:
    assert archive_options(tmp_path / "classes.jsa") == []


def test_archive_options_with_archive_are_quiet(tmp_path: Path) -> None:
    archive = tmp_path / "classes.jsa"
    archive.touch()
    assert archive_options(archive)[:2] == [f"-XX:SharedArchiveFile={archive}", "-Xlog:disable"]


def test_make_archive_where_nothing_can_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentProblem, match="cannot write the class archive to .*file"):
        make_archive(tmp_path / "file" / "classes.jsa")
