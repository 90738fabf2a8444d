"""Conventions about files: their size, their names, and what must not be written into them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 300
CATCH_ALL_NAMES = {"common", "helper", "helpers", "misc", "tools", "util", "utils"}

# Brackets around the dots keep this file from finding itself.
PACKAGE_HOSTS = re.compile(
    r"pypi[.]org|pythonhosted[.]org|(?:repo1?|search|central)[.](?:maven[.]|sonatype[.])|registry[.]npmjs|conda[.]anaconda"
)
MACHINE_PATHS = re.compile(r"(?<![\w.}/-])/(?:home|Users|root|work)/\w")


def project_files(*patterns: str) -> list[Path]:
    """Files of the project that match, as git sees them: neither ignored nor deleted."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip(f"the project's files are listed by git, which says: {listed.stderr.strip()}")
    found = [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    assert found, f"no file matches {patterns}"
    return found


def too_long(text: str) -> bool:
    """Whether a source file holds more than one idea, judged by its length."""
    return len(text.splitlines()) > LONGEST_FILE


def catch_all_part(path: str) -> str | None:
    """The part of a path that names no idea, if there is one."""
    for part in PurePosixPath(path).parts:
        if part.partition(".")[0].lower() in CATCH_ALL_NAMES:
            return part
    return None


def foreign_places(text: str, own_paths: Iterable[str] = ()) -> list[str]:
    """Package hosts and absolute paths of somebody's machine in a text, each with its line number."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if PACKAGE_HOSTS.search(line) or MACHINE_PATHS.search(line) or any(path in line for path in own_paths):
            found.append(f"line {number}: {line.strip()[:100]}")
    return found


def test_too_long_bad_example_is_found() -> None:
    assert too_long("x = 1\n" * 301)
    assert not too_long("x = 1\n" * 300)


def test_python_files_are_not_too_long() -> None:
    assert [str(file.relative_to(ROOT)) for file in project_files("*.py") if too_long(file.read_text("utf-8"))] == []


@pytest.mark.parametrize("path", ["src/klineforge/utils.py", "src/klineforge/common/time.py", "tests/helpers.py"])
def test_catch_all_part_bad_example_is_found(path: str) -> None:
    assert catch_all_part(path) is not None


def test_files_are_named_for_what_they_hold() -> None:
    names = [file.relative_to(ROOT).as_posix() for file in project_files("src", "tests", "scripts", "benchmarks")]
    assert [name for name in names if catch_all_part(name)] == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://" + "pypi" + ".org/simple",
        "url = https://repo1" + ".maven" + ".org/maven2",
        "LAKE = '/" + "home/someone/lake'",
        "see /" + "Users/someone/notes",
    ],
)
def test_foreign_places_bad_example_is_found(line: str) -> None:
    assert foreign_places(f"first line\n{line}") == [f"line 2: {line}"]


@pytest.mark.parametrize("line", ["~/.cache/klineforge", "https://example.org/home/page", "network/work/units"])
def test_foreign_places_harmless_example_is_left_alone(line: str) -> None:
    assert foreign_places(line) == []


def test_files_name_no_package_host_and_no_path_of_this_machine() -> None:
    own = (f"{ROOT}/", f"{Path.home()}/") if len(Path.home().parts) > 1 else (f"{ROOT}/",)
    found = {}
    for file in project_files():
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # Binary: nobody wrote a path into it by hand.
        if places := foreign_places(text, own):
            found[file.relative_to(ROOT).as_posix()] = places
    assert found == {}
