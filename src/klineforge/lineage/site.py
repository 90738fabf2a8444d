"""Build the lineage site: kedro-viz's own deployer, aimed at a folder of ours, with figures and a quieter first page.

``kedro viz build`` itself always writes to ``./build``, takes no environment and ends with exit code 0 when it fails.
"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klineforge.contracts import CONTRACTS
from klineforge.errors import ConfigurationError
from klineforge.lineage.appearance import dressed_page, node_styles
from klineforge.reporting.health import LakeHealth, read_health
from klineforge.reporting.tables import TableState

if TYPE_CHECKING:
    from kedro.io import DataCatalog
    from kedro_viz.models.metadata import NodeExtras  # type: ignore[import-untyped]

_MARK = Path("api") / "deploy-viz-metadata"
_NOISY_LOGGERS = ("kedro_viz.api.rest.responses.run_events",)


def build_site(
    project: Path,
    target: Path,
    *,
    lake: Path,
    now: datetime,
    env: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> LakeHealth:
    """Write the site of a project's pipelines, with rows of its tables as previews.

    Args:
        project: Root of the Kedro project.
        target: Folder to write; an older site in it is replaced, anything else is not.
        lake: Root of the lake the previews come from.
        now: Aware UTC instant.
        env: Kedro environment; None for the default one.
        parameters: Kedro runtime parameters, such as ``lake`` where it is not the configured one.

    Returns:
        The health of the lake the figures were taken from.

    Raises:
        ConfigurationError: When the target holds something that is not a lineage site.
    """
    _require_replaceable(target)
    health = read_health(lake, now)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
        built = Path(folder) / target.name
        # kedro-viz describes source files relative to the working folder.
        with chdir(project), _quiet(_NOISY_LOGGERS):
            _deploy(project, built, health, env, parameters)
        _dress(built, (project, lake.parent))
        shutil.rmtree(target, ignore_errors=True)
        built.rename(target)
    return health


def browse_hint(target: Path, health: LakeHealth) -> str:
    """How to look at a site, and why it may have no rows in it."""
    folder = target.relative_to(Path.cwd()) if target.is_relative_to(Path.cwd()) else target
    hint = (
        f"The lineage site is in {folder}. It needs a server; to browse it:\n"
        f"  python3 -m http.server --bind 127.0.0.1 --directory {folder} 8000\n"
        "and open http://127.0.0.1:8000/"
    )
    if any(health.table(table.name) for table in health.tables):
        return hint
    return f"{hint}\nThe lake {health.lake} has no tables yet, so there are no previews: run `kedro run` first."


def _require_replaceable(target: Path) -> None:
    if not target.exists() or (target / _MARK).is_file():
        return
    if target.is_dir() and not any(target.iterdir()):
        return
    raise ConfigurationError(
        f"{target} holds something else than a lineage site and is not overwritten. "
        "What to do: empty it, or name another folder with --output."
    )


def _deploy(
    project: Path, built: Path, health: LakeHealth, env: str | None, parameters: Mapping[str, Any] | None
) -> None:
    import fsspec  # type: ignore[import-untyped]

    # kedro-viz uses a response class that its FastAPI deprecates; a reader of this site can do nothing about it.
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")
    from kedro_viz.api.rest.responses.metadata import MetadataAPIResponse  # type: ignore[import-untyped]
    from kedro_viz.api.rest.responses.utils import get_encoded_response  # type: ignore[import-untyped]
    from kedro_viz.api.rest.utils import get_package_compatibilities  # type: ignore[import-untyped]
    from kedro_viz.data_access import data_access_manager  # type: ignore[import-untyped]
    from kedro_viz.integrations.deployment.base_deployer import BaseDeployer  # type: ignore[import-untyped]
    from kedro_viz.integrations.kedro.data_loader import load_data  # type: ignore[import-untyped]
    from kedro_viz.server import populate_data  # type: ignore[import-untyped]

    class FolderDeployer(BaseDeployer):  # type: ignore[misc]
        """kedro-viz's deployer for a folder of our choice; its own knows ``./build`` only."""

        def __init__(self) -> None:
            super().__init__()
            built.mkdir(parents=True)
            self._path = built
            self._fs = fsspec.filesystem("file")

    catalog, pipelines, _ = load_data(project, env=env, extra_params=dict(parameters or {}))
    data_access_manager.reset_fields()
    populate_data(data_access_manager, catalog, pipelines, _extras(catalog, health))
    FolderDeployer().deploy(is_all_previews_enabled=True)
    # The page asks for it, the deployer forgets it: without it the browser logs an error on every visit.
    packages = MetadataAPIResponse(package_compatibilities=get_package_compatibilities())
    (built / "api" / "metadata").write_bytes(get_encoded_response(packages))


def _extras(catalog: DataCatalog, health: LakeHealth) -> dict[str, NodeExtras]:
    """The colour of every dataset's layer; for tables that can be read, their rows, columns and bytes."""
    from kedro_viz.models.metadata import NodeExtras

    extras = {}
    for name in catalog:
        layer = _layer(catalog.get(name))
        if layer is not None:
            extras[name] = NodeExtras(stats=_figures(health.table(name)), styles=node_styles(layer))
    return extras


def _layer(dataset: object) -> str | None:
    metadata = getattr(dataset, "metadata", None) or {}
    layer = metadata.get("kedro-viz", {}).get("layer")
    return layer if isinstance(layer, str) else None


def _figures(state: TableState | None) -> dict[str, int] | None:
    if state is None:
        return None
    return {"rows": state.rows, "columns": len(CONTRACTS[state.name].columns), "file_size": state.size_bytes}


def _dress(built: Path, roots: tuple[Path, ...]) -> None:
    index = built / "index.html"
    index.write_text(dressed_page(index.read_text(encoding="utf-8")), encoding="utf-8")
    for unused in ("autoreload.html", "telemetry.html"):
        (built / unused).unlink(missing_ok=True)
    for answer in (built / "api").rglob("*"):
        if answer.is_file():
            answer.write_text(_without_machine_paths(answer.read_text(encoding="utf-8"), roots), encoding="utf-8")


def _without_machine_paths(answer: str, roots: tuple[Path, ...]) -> str:
    """Make paths below a root relative to it: a site is for sharing.

    Args:
        answer: JSON text of one of kedro-viz's answers.
        roots: Folders nobody else has; the first is the project, whose bare name kedro-viz puts before source files.
    """
    for root in roots:
        if root.resolve() != Path(root.resolve().anchor):
            answer = answer.replace(f"{root.resolve()}/", "")
    return re.sub(rf'("filepath":\s*"){re.escape(roots[0].resolve().name)}/src/', r"\1src/", answer)


@contextmanager
def _quiet(loggers: tuple[str, ...]) -> Iterator[None]:
    """Silence loggers whose warnings describe what a static site never has."""
    former = {name: logging.getLogger(name).level for name in loggers}
    for name in loggers:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in former.items():
            logging.getLogger(name).setLevel(level)
