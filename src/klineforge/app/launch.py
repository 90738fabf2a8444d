"""Start the dashboard's web server: on loopback unless asked, without telemetry, or say why it cannot start."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from klineforge.errors import ConfigurationError, EnvironmentProblem

LAKE_VARIABLE = "KLINEFORGE_APP_LAKE"
"""Environment variable by which the server's script learns where the lake is."""
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8501
_NEEDED = ("streamlit", "plotly", "scipy")


def serve(lake: Path, host: str, port: int) -> NoReturn:
    """Replace this process by the dashboard's server, so that a signal ends it and nothing is left behind.

    Args:
        lake: Root of the lake; it need not exist yet, the pages then say so.
        host: Address to listen on.
        port: TCP port; 0 takes any free one.

    Raises:
        ConfigurationError: The extra ``app`` is not installed, or the host is none of this machine's.
        EnvironmentProblem: The port is in use.
    """
    require_extra()
    found = free_port(host, port)
    command, environment = server_command(host, found), {**os.environ, LAKE_VARIABLE: str(lake)}
    print(f"KlineForge dashboard of {lake}: http://{_shown(host)}:{found}  (Ctrl-C ends it)", flush=True)  # noqa: T201
    os.execve(command[0], command, environment)  # noqa: S606 - no shell, and nothing of the user's but an address


def server_command(host: str, port: int) -> list[str]:
    """The command line of Streamlit's server.

    Args:
        host: Address to listen on.
        port: TCP port.
    """
    from klineforge.app.appearance import theme_options

    options = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "server.showEmailPrompt": "false",
        "server.fileWatcherType": "none",
        "server.runOnSave": "false",
        "server.enableAgentApi": "false",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "viewer",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": "false",
        "global.developmentMode": "false",
        "logger.hideWelcomeMessage": "true",
        "logger.level": "warning",
        **theme_options(),
    }
    script = str(Path(__file__).with_name("main.py"))
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", script, *flags]


def require_extra() -> None:
    """Make sure that the extra ``app`` is installed.

    Raises:
        ConfigurationError: When it is not.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"the dashboard needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            "What to do: pip install 'klineforge[app]', or make setup, which installs everything"
        )


def free_port(host: str, port: int) -> int:
    """The port, after a look whether it can be listened on.

    Args:
        host: Address to listen on.
        port: Wanted; 0 for any.

    Raises:
        ConfigurationError: The host is none of this machine's.
        EnvironmentProblem: Something else listens there.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ConfigurationError(
            f"the host {host!r} cannot be resolved ({error.strerror}). What to do: give an address of this machine "
            "with --host, such as 127.0.0.1, or 0.0.0.0 for all of them"
        ) from error
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError as error:
            raise EnvironmentProblem(
                f"port {port} needs more rights than you have. What to do: choose one above 1023 with --port"
            ) from error
        except OSError as error:
            raise EnvironmentProblem(
                f"{host} port {port} cannot be listened on ({error.strerror}). Another program uses it, perhaps a "
                "dashboard that still runs, or the address is none of this machine's. What to do: end that program, or "
                "choose another port with --port; --port 0 takes any free one"
            ) from error
        return int(probe.getsockname()[1])


def _shown(host: str) -> str:
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound
    return everywhere.get(host, f"[{host}]" if ":" in host else host)
