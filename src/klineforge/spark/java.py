"""Find the Java that Spark will start, and say what to do when it is not one Spark runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from klineforge.errors import EnvironmentProblem

SUPPORTED_MAJORS = (17, 21)
_SECONDS_TO_ANSWER = 30
_INSTALL_ADVICE = (
    "what to do: install a Java 17 runtime (Debian, Ubuntu: apt-get install openjdk-17-jre-headless; Fedora: dnf\n"
    "  install java-17-openjdk-headless; macOS: brew install openjdk@17), or set JAVA_HOME to one that is there"
)


@dataclass(frozen=True)
class Java:
    """A Java that starts.

    Args:
        executable: The ``java`` program.
        version: Full version as it reports it, for example ``17.0.15``.
        found_by: How it was found: ``JAVA_HOME`` or ``PATH``.
    """

    executable: Path
    version: str
    found_by: str

    @property
    def major(self) -> int:
        """Feature release: 17 for ``17.0.15``, 8 for ``1.8.0_402``."""
        return major_version(self.version)


def major_version(version: str) -> int:
    """The feature release in a Java version, old numbering (``1.8``) included.

    Raises:
        ValueError: When the text does not start with a number.

    Examples:
        >>> major_version("17.0.15"), major_version("1.8.0_402"), major_version("21-ea")
        (17, 8, 21)
    """
    found = re.match(r"(?:1\.)?(\d+)", version)
    if found is None:
        raise ValueError(f"not a Java version: {version!r}")
    return int(found.group(1))


def require_java(environment: Mapping[str, str] | None = None) -> Java:
    """The Java that Spark will start: that of ``JAVA_HOME``, else the first on ``PATH``, as ``spark-submit`` chooses.

    Args:
        environment: Environment variables; those of the process by default.

    Raises:
        EnvironmentProblem: When there is none, it does not start, or Spark does not run on it.
    """
    java = _find_java(os.environ if environment is None else environment)
    if java.major not in SUPPORTED_MAJORS:
        raise EnvironmentProblem(
            f"Spark needs Java {_supported()}; found Java {java.version} at {java.executable} (by {java.found_by})\n"
            f"  {_INSTALL_ADVICE}"
        )
    return java


def _find_java(variables: Mapping[str, str]) -> Java:
    if home := variables.get("JAVA_HOME"):
        executable = Path(home) / "bin" / "java"
        if not os.access(executable, os.X_OK):
            raise EnvironmentProblem(
                f"Spark needs Java {_supported()}; JAVA_HOME is {home}, but there is no program at {executable}\n"
                f"  {_INSTALL_ADVICE}"
            )
        return Java(executable, _version_of(executable), "JAVA_HOME")
    on_path = shutil.which("java", path=variables.get("PATH", ""))
    if on_path is None:
        raise EnvironmentProblem(
            f"Spark needs Java {_supported()}; found none: JAVA_HOME is not set and no java is on PATH\n"
            f"  {_INSTALL_ADVICE}"
        )
    return Java(Path(on_path), _version_of(Path(on_path)), "PATH")


def _version_of(executable: Path) -> str:
    """Read the version from the runtime's ``release`` file; ask the program only where there is none."""
    release = executable.resolve().parent.parent / "release"
    if release.is_file():
        found = re.search(
            r'^JAVA_VERSION="([^"]+)"', release.read_text(encoding="utf-8", errors="replace"), re.MULTILINE
        )
        if found:
            return found.group(1)
    return _ask_version(executable)


def _ask_version(executable: Path) -> str:
    try:
        answer = subprocess.run(
            [executable, "-version"], capture_output=True, text=True, timeout=_SECONDS_TO_ANSWER, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as reason:
        raise EnvironmentProblem(f"{executable} does not start: {reason}\n  {_INSTALL_ADVICE}") from reason
    found = re.search(r'version "([^"]+)"', answer.stderr)
    if answer.returncode != 0 or found is None:
        said = (answer.stderr or answer.stdout).strip() or "nothing"
        raise EnvironmentProblem(
            f"{executable} -version should print a Java version; exit code {answer.returncode}, it said: {said}\n"
            f"  {_INSTALL_ADVICE}"
        )
    return found.group(1)


def _supported() -> str:
    return " or ".join(str(major) for major in SUPPORTED_MAJORS)
