"""Where KlineForge keeps what it downloads or derives once per machine, outside every project folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

HOME_VARIABLE = "KLINEFORGE_HOME"


def klineforge_home(environment: Mapping[str, str] | None = None) -> Path:
    """The cache folder of this user, not necessarily there yet.

    Args:
        environment: Environment variables; those of the process by default.

    Returns:
        ``$KLINEFORGE_HOME``, else ``klineforge`` in the XDG cache folder, ``~/.cache`` unless the user moved it.

    Examples:
        >>> klineforge_home({"KLINEFORGE_HOME": "/srv/klineforge"}).as_posix()
        '/srv/klineforge'
        >>> klineforge_home({"XDG_CACHE_HOME": "/var/cache/me"}).as_posix()
        '/var/cache/me/klineforge'
    """
    variables = os.environ if environment is None else environment
    if own := variables.get(HOME_VARIABLE):
        return Path(own).expanduser()
    # The XDG specification asks to ignore a relative path.
    cache = variables.get("XDG_CACHE_HOME", "")
    root = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    return root / "klineforge"
