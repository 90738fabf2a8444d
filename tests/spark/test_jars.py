"""The jar cache: verified, atomic, and clear about what is missing. A shell script stands in for Ivy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from klineforge.errors import EnvironmentProblem
from klineforge.spark import jars
from klineforge.spark.jars import Jar, delta_jars, differences, ivy_module, jar_folder, pinned_jars

CONTENT = {"one-1.0.jar": b"first jar", "two-2.0.jar": b"second jar"}
PINNED = (
    Jar("org.example", "one", "1.0", hashlib.sha256(b"first jar").hexdigest()),
    Jar("org.example", "two", "2.0", hashlib.sha256(b"second jar").hexdigest()),
)
FakeJava = Callable[[str], None]


@pytest.fixture
def fake_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeJava:
    """Let ``JAVA_HOME`` be a program that does what the test says in place of Ivy; the cache is the test's own."""
    home = tmp_path / "java"
    (home / "bin").mkdir(parents=True)
    (home / "release").write_text('JAVA_VERSION="17.0.15"\n', encoding="utf-8")
    program = home / "bin" / "java"
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setenv("KLINEFORGE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setattr(jars, "pinned_jars", lambda: PINNED)

    def write(script: str) -> None:
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)

    return write


DOWNLOADS = "mkdir jars; printf 'first jar' > jars/one-1.0.jar; printf 'second jar' > jars/two-2.0.jar"


def test_pinned_jars_are_the_seven_of_this_delta_version() -> None:
    pinned = pinned_jars()
    assert len({jar.file_name for jar in pinned}) == 7
    assert all(len(jar.sha256) == 64 for jar in pinned)
    assert pinned[0].file_name == "delta-spark_4.2_2.13-4.4.0.jar"


def test_delta_jars_first_time_are_downloaded_and_kept(fake_java: FakeJava, tmp_path: Path) -> None:
    fake_java(DOWNLOADS)
    files = delta_jars()
    assert {file.name: file.read_bytes() for file in files} == CONTENT
    fake_java("echo 'not a second time' >&2; exit 1")
    assert delta_jars() == files
    # Nothing of the way there is left behind.
    assert [entry.name for entry in (tmp_path / "cache" / "jars").iterdir()] == [jar_folder(PINNED).name]


def test_delta_jars_damaged_in_the_cache_are_downloaded_again(fake_java: FakeJava) -> None:
    fake_java(DOWNLOADS)
    first, _ = delta_jars()
    first.write_bytes(b"first j")
    assert delta_jars()[0].read_bytes() == b"first jar"


def test_delta_jars_with_other_content_are_refused(fake_java: FakeJava) -> None:
    fake_java("mkdir jars; printf 'first jar' > jars/one-1.0.jar; printf 'altered' > jars/two-2.0.jar")
    with pytest.raises(EnvironmentProblem, match="two-2.0.jar has SHA-256 .*, expected"):
        delta_jars()
    assert not jar_folder(PINNED).exists()


def test_delta_jars_without_network_say_where_to_put_them(fake_java: FakeJava) -> None:
    fake_java("echo ':: problems summary ::'; echo 'UNRESOLVED: org.example#one;1.0: not found'; exit 1")
    with pytest.raises(EnvironmentProblem, match="could not be downloaded:\n    .*\n    UNRESOLVED") as caught:
        delta_jars()
    assert str(jar_folder(PINNED)) in str(caught.value)
    assert "KLINEFORGE_IVY_SETTINGS" in str(caught.value)


def test_delta_jars_another_process_was_faster_are_taken_from_it(fake_java: FakeJava) -> None:
    final = jar_folder(PINNED)
    fake_java(f"{DOWNLOADS}; cp -r jars '{final}'")
    assert {file.name for file in delta_jars()} == set(CONTENT)


def test_delta_jars_cache_not_writable_names_the_variable(
    fake_java: FakeJava, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_java(DOWNLOADS)
    (tmp_path / "file").touch()
    monkeypatch.setenv("KLINEFORGE_HOME", str(tmp_path / "file"))
    with pytest.raises(EnvironmentProblem, match="not writable.*\n.*set KLINEFORGE_HOME"):
        delta_jars()


@pytest.mark.parametrize("variable", ["DATABRICKS_RUNTIME_VERSION", "SPARK_REMOTE", "PYSPARK_GATEWAY_PORT"])
def test_delta_jars_on_a_platform_with_delta_are_none(
    fake_java: FakeJava, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    fake_java("exit 1")
    monkeypatch.setenv(variable, "something")
    assert delta_jars() == ()


def test_delta_jars_user_settings_reach_ivy(
    fake_java: FakeJava, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLINEFORGE_IVY_SETTINGS", "mirror.xml")
    fake_java(f'echo "$@" > "{tmp_path}/arguments"; {DOWNLOADS}')
    delta_jars()
    assert "-settings mirror.xml" in (tmp_path / "arguments").read_text(encoding="utf-8")


def test_jar_folder_other_checksum_is_another_folder(tmp_path: Path) -> None:
    changed = (PINNED[0], Jar("org.example", "two", "2.0", "0" * 64))
    assert jar_folder(PINNED, tmp_path) != jar_folder(changed, tmp_path)


def test_differences_complete_folder_has_none(tmp_path: Path) -> None:
    for name, content in CONTENT.items():
        (tmp_path / name).write_bytes(content)
    assert differences(tmp_path, PINNED) == []
    (tmp_path / "one-1.0.jar").unlink()
    assert differences(tmp_path, PINNED) == ["one-1.0.jar is missing"]


def test_ivy_module_asks_for_each_jar_and_nothing_it_depends_on() -> None:
    dependencies = ET.fromstring(ivy_module(PINNED)).findall("./dependencies/dependency")  # noqa: S314 - our own text
    assert [(entry.get("name"), entry.get("rev")) for entry in dependencies] == [("one", "1.0"), ("two", "2.0")]
    assert {entry.get("transitive") for entry in dependencies} == {"false"}
