"""Finding Java: what is taken, what is refused, and what the user is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from klineforge.errors import EnvironmentProblem
from klineforge.spark.java import major_version, require_java


def java_home(folder: Path, version: str | None, script: str = "exit 1") -> Path:
    """A pretended Java: a program, and the release file that real ones have when ``version`` is given."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    if version is not None:
        (folder / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{version}"\n', encoding="utf-8")
    return folder


@pytest.mark.parametrize("version", ["17.0.15", "17", "21.0.2", "21-ea"])
def test_require_java_supported_version_is_taken(tmp_path: Path, version: str) -> None:
    home = java_home(tmp_path, version)
    java = require_java({"JAVA_HOME": str(home)})
    assert (java.executable, java.version, java.found_by) == (home / "bin" / "java", version, "JAVA_HOME")


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.22", "25.0.3"])
def test_require_java_other_version_is_refused_with_both_versions(tmp_path: Path, version: str) -> None:
    home = java_home(tmp_path, version)
    with pytest.raises(EnvironmentProblem, match=rf"needs Java 17 or 21; found Java {version} at .*\(by JAVA_HOME\)"):
        require_java({"JAVA_HOME": str(home)})


def test_require_java_home_wins_over_path_as_in_spark_submit(tmp_path: Path) -> None:
    home = java_home(tmp_path / "home", "21.0.2")
    on_path = java_home(tmp_path / "path", "17.0.15")
    assert require_java({"JAVA_HOME": str(home), "PATH": str(on_path / "bin")}).version == "21.0.2"
    assert require_java({"PATH": str(on_path / "bin")}).found_by == "PATH"


def test_require_java_none_on_path_says_how_to_install_one(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="no java is on PATH\n  what to do: install a Java 17") as caught:
        require_java({"PATH": str(tmp_path)})
    assert "openjdk-17-jre-headless" in str(caught.value)


def test_require_java_home_without_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match=f"JAVA_HOME is {tmp_path}, but there is no program"):
        require_java({"JAVA_HOME": str(tmp_path)})


def test_require_java_without_release_file_asks_the_program(tmp_path: Path) -> None:
    home = java_home(tmp_path, None, script="""echo 'openjdk version "17.0.9" 2023-10-17' >&2""")
    assert require_java({"JAVA_HOME": str(home)}).version == "17.0.9"


def test_require_java_program_that_fails_is_quoted(tmp_path: Path) -> None:
    # What macOS does where its java is a mere placeholder.
    home = java_home(tmp_path, None, script="echo 'Unable to locate a Java Runtime.' >&2; exit 1")
    with pytest.raises(EnvironmentProblem, match="exit code 1, it said: Unable to locate a Java Runtime"):
        require_java({"JAVA_HOME": str(home)})


def test_major_version_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="not a Java version: 'graal'"):
        major_version("graal")
