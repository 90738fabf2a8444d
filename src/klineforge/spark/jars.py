"""Resolve the Delta jars once per machine; every session after that takes them from the cache.

Spark's own ``spark.jars.packages`` resolves dozens of jars at every start and trusts whatever it downloads. Here the
jars are listed with their SHA-256 in ``delta_jars.toml``, downloaded by the Ivy that ships with PySpark, and verified
at each start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from xml.sax.saxutils import quoteattr

from klineforge.errors import EnvironmentProblem
from klineforge.spark.home import HOME_VARIABLE, klineforge_home
from klineforge.spark.java import require_java

IVY_SETTINGS_VARIABLE = "KLINEFORGE_IVY_SETTINGS"
_SECONDS_TO_RESOLVE = 600
_LINES_OF_REASON = 12


@dataclass(frozen=True)
class Jar:
    """A pinned jar.

    Args:
        organisation: Maven group.
        name: Maven artifact.
        version: Exact version.
        sha256: Of the file, lower-case hexadecimal.
    """

    organisation: str
    name: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Name of the file in the cache, which is also its name in a Maven repository."""
        return f"{self.name}-{self.version}.jar"


def pinned_jars() -> tuple[Jar, ...]:
    """The jars that belong to the PySpark and delta-spark versions this package depends on."""
    manifest = resources.files("klineforge.spark").joinpath("delta_jars.toml").read_text(encoding="utf-8")
    return tuple(Jar(**entry) for entry in tomllib.loads(manifest)["jar"])


def jar_folder(jars: Sequence[Jar], home: Path | None = None) -> Path:
    """The folder of exactly these jars: another version or another checksum is another folder.

    Args:
        jars: What the folder holds; the first names it.
        home: Cache root; :func:`klineforge_home` by default.
    """
    identity = hashlib.sha256("\n".join(f"{jar.file_name} {jar.sha256}" for jar in jars).encode()).hexdigest()
    return (home or klineforge_home()) / "jars" / f"{jars[0].name}-{jars[0].version}-{identity[:8]}"


def delta_jars() -> tuple[Path, ...]:
    """The verified Delta jars, downloaded now if this machine has not got them yet.

    Returns:
        Files in the order of the manifest; none where :func:`platform_brings_delta`.

    Raises:
        EnvironmentProblem: When they cannot be downloaded, or what arrived is not what is pinned.
    """
    if platform_brings_delta(os.environ):
        return ()
    jars = pinned_jars()
    folder = jar_folder(jars)
    if differences(folder, jars):
        _resolve_into(folder, jars)
    return tuple(folder / jar.file_name for jar in jars)


def platform_brings_delta(environment: Mapping[str, str]) -> bool:
    """Whether somebody else runs Spark, with a Delta of their own: Databricks, Spark Connect, or ``spark-submit``."""
    # The last is how spark-submit tells a Python program of the JVM that has started it.
    names = ("DATABRICKS_RUNTIME_VERSION", "SPARK_REMOTE", "PYSPARK_GATEWAY_PORT")
    return any(environment.get(name) for name in names)


def differences(folder: Path, jars: Sequence[Jar]) -> list[str]:
    """What keeps the folder from being usable, one line per jar; empty when all are there and are what was pinned."""
    found = []
    for jar in jars:
        file = folder / jar.file_name
        if not file.is_file():
            found.append(f"{jar.file_name} is missing")
            continue
        with file.open("rb") as content:
            actual = hashlib.file_digest(content, "sha256").hexdigest()
        if actual != jar.sha256:
            found.append(f"{jar.file_name} has SHA-256 {actual}, expected {jar.sha256}")
    return found


def _resolve_into(folder: Path, jars: Sequence[Jar]) -> None:
    """Download beside the final folder and move into place in one step, so that nobody ever sees half of it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".resolving-", dir=folder.parent))
    except OSError as reason:
        raise EnvironmentProblem(
            f"the Delta jars are kept in {folder.parent}, which is not writable: {reason}\n"
            f"  what to do: set {HOME_VARIABLE} to a folder you may write to"
        ) from reason
    try:
        arrived = work / "jars"
        _run_ivy(jars, work, arrived, folder)
        if wrong := differences(arrived, jars):
            raise EnvironmentProblem(
                "the downloaded Delta jars are not the pinned ones:\n  " + "\n  ".join(wrong) + "\n"
                "  what to do: try again; if it stays, the mirror this machine downloads from serves altered files"
            )
        _move_into_place(arrived, folder, jars)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _move_into_place(arrived: Path, folder: Path, jars: Sequence[Jar]) -> None:
    if folder.exists() and differences(folder, jars):
        # Renaming is atomic and deleting is not: a session starting now sees the old folder or the new one.
        folder.rename(arrived.parent / "replaced")
    try:
        arrived.rename(folder)
    except OSError as reason:
        if wrong := differences(folder, jars):
            raise EnvironmentProblem(
                f"cannot move the Delta jars to {folder}: {reason}; {'; '.join(wrong)}"
            ) from reason
        # Another process finished first, with the same verified jars.


def _run_ivy(jars: Sequence[Jar], work: Path, arrived: Path, folder: Path) -> None:
    module = work / "ivy.xml"
    module.write_text(ivy_module(jars), encoding="utf-8")
    command = [
        str(require_java().executable),
        # Neither read nor write the user's Ivy folder: what is half-filled there stays there.
        f"-Divy.default.ivy.user.dir={work / 'ivy'}",
        *("-jar", str(_ivy_jar()), "-ivy", str(module), "-types", "jar", "-confs", "default", "-warn"),
        *("-cache", str(work / "cache"), "-retrieve", f"{arrived}/[artifact]-[revision].[ext]"),
    ]
    if settings := os.environ.get(IVY_SETTINGS_VARIABLE):
        command += ["-settings", settings]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS_TO_RESOLVE, check=False, cwd=work
        )
    except subprocess.TimeoutExpired as reason:
        raise EnvironmentProblem(_no_download(f"no answer within {_SECONDS_TO_RESOLVE} s", jars, folder)) from reason
    if run.returncode != 0:
        said = [line.strip() for line in (run.stdout + run.stderr).splitlines() if line.strip(" :\t")]
        raise EnvironmentProblem(_no_download("\n    ".join(said[:_LINES_OF_REASON]), jars, folder))


def ivy_module(jars: Sequence[Jar]) -> str:
    """Ivy's description of what to download: these jars, none of those they depend on, which PySpark has already."""
    lines = [
        f"<dependency org={quoteattr(jar.organisation)} name={quoteattr(jar.name)} rev={quoteattr(jar.version)}"
        ' transitive="false" conf="default->master"/>'
        for jar in jars
    ]
    return (
        '<ivy-module version="2.0"><info organisation="klineforge" module="jars"/>'
        '<configurations><conf name="default"/></configurations>'
        f"<dependencies>{''.join(lines)}</dependencies></ivy-module>\n"
    )


def _ivy_jar() -> Path:
    spec = find_spec("pyspark")
    folder = Path(spec.origin).parent / "jars" if spec and spec.origin else Path("pyspark/jars")
    found = sorted(folder.glob("ivy-*.jar"))
    if not found:
        raise EnvironmentProblem(
            f"PySpark should bring Ivy along as {folder}/ivy-*.jar; it is not there\n  what to do: run make setup"
        )
    return found[-1]


def _no_download(reason: str, jars: Sequence[Jar], folder: Path) -> str:
    names = ", ".join(jar.file_name for jar in jars)
    return (
        f"the {len(jars)} Delta jars are not on this machine and could not be downloaded:\n    {reason}\n"
        "  what to do: one of\n"
        "    - connect to the network and try again (behind a proxy: set JAVA_TOOL_OPTIONS to\n"
        "      '-Dhttps.proxyHost=... -Dhttps.proxyPort=...');\n"
        f"    - set {IVY_SETTINGS_VARIABLE} to an Ivy settings file that names your mirror;\n"
        f"    - copy {names}\n      to {folder}"
    )
