"""``make dagster``: Dagster's web page with the daemon that starts what is due, on loopback."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any, Final

import click
import yaml
from kedro.framework.cli.utils import _split_params as split_params

from klineforge.cli.user_errors import PlainErrorsCommand
from klineforge.errors import EnvironmentProblem
from klineforge.orchestration.place import ENV_VARIABLE, PARAMETERS_VARIABLE, Place
from klineforge.orchestration.session import Project

HOME_VARIABLE: Final = "DAGSTER_HOME"
INSTANCE: Final[dict[str, Any]] = {
    "telemetry": {"enabled": False},
    # The dialog that asks for an address.
    "nux": {"enabled": False},
    # One run at a time: a lake has one writer, and a machine room for one JVM.
    "concurrency": {"runs": {"max_concurrent_runs": 1}},
    "run_monitoring": {"enabled": True, "max_runtime_seconds": 8 * 3600},
}


@click.command("make dagster", cls=PlainErrorsCommand)
@click.option("--env", default=None, help="Kedro environment, for example demo.")
@click.option("--params", default="", callback=split_params, help="Runtime parameters of every run, as of kedro run.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; there is no password.")
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
def main(env: str | None, params: dict[str, Any], host: str, port: int) -> None:
    """Start Dagster's web page and the daemon that starts what is due."""
    start(Project(Path.cwd(), env or os.environ.get(ENV_VARIABLE), params), host, port)


def start(project: Project, host: str, port: int) -> None:
    """Replace this process by Dagster's.

    Raises:
        EnvironmentProblem: When Dagster is not installed or the port is taken.
        ConfigurationError: When the project cannot be read.
    """
    require_dagster()
    require_port(host, port)
    Place.of(project)
    home = instance_home(project.path)
    os.environ |= {HOME_VARIABLE: str(home), PARAMETERS_VARIABLE: json.dumps(dict(project.parameters))}
    # It recommends another command, which brings a hundred more packages.
    os.environ["PYTHONWARNINGS"] = "ignore:Function `dev_command` is superseded"
    os.environ |= {ENV_VARIABLE: project.env} if project.env else {}
    print(
        f"Dagster: http://{host}:{port}  schedules are on, runs and their logs are in {home}; Ctrl-C ends it",
        flush=True,
    )
    module = "klineforge.orchestration.definitions"
    command = ["dagster", "dev", "--module-name", module, "--host", host, "--port", str(port), "--log-level", "warning"]
    os.execv(sys.executable, [sys.executable, "-m", *command])  # noqa: S606 - no shell, and nothing of the user's


def require_dagster() -> None:
    """Refuse to go on without Dagster's packages.

    Raises:
        EnvironmentProblem: With the way to get them.
    """
    missing = [name for name in ("dagster", "dagster_webserver") if importlib.util.find_spec(name) is None]
    if missing:
        raise EnvironmentProblem(
            f"Dagster is not installed: {' and '.join(missing)} cannot be imported. What to do: start it with make "
            'dagster, which installs it beside the environment, or install it with: pip install "klineforge[dagster]"'
        )


def require_port(host: str, port: int) -> None:
    """Refuse a port that Dagster could not listen on; it would say so only after a minute.

    Raises:
        EnvironmentProblem: When it is taken, not allowed, or not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise EnvironmentProblem(
            f"Dagster cannot listen on {host}:{port}: {said}. What to do: end the program that uses the port, or "
            f'choose another one with make dagster ARGS="--port {port + 1 if 0 < port < 65535 else 3000}"'
        ) from error


def instance_home(project: Path) -> Path:
    """The folder where Dagster keeps its runs: that of ``DAGSTER_HOME``, or ``.dagster`` of the project.

    Args:
        project: Root folder of the Kedro project.

    Returns:
        An absolute path; the folder is there and has a configuration. One that was written by somebody is left alone.
    """
    home = Path(os.environ.get(HOME_VARIABLE) or project / ".dagster").absolute()
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    if not configuration.exists():
        configuration.write_text(yaml.safe_dump(INSTANCE), encoding="utf-8")
    return home


if __name__ == "__main__":
    main()
