"""The whole project on disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from klineforge.errors import ConfigurationError
from klineforge.powerbi.model_files import SCHEMAS, as_json, model_files
from klineforge.powerbi.report_files import report_files

NAME: Final = "KlineForge"
_FOLDERS: Final = (f"{NAME}.SemanticModel", f"{NAME}.Report")


def project_files() -> dict[str, str]:
    """Every file of the project by its path."""
    root = {
        "$schema": f"{SCHEMAS}/pbip/pbipProperties/1.0.0/schema.json",
        "version": "1.0",
        "artifacts": [{"report": {"path": f"{NAME}.Report"}}],
        "settings": {"enableAutoRecovery": True},
    }
    files = {f"{NAME}.pbip": as_json(root)}
    for folder, found in zip(_FOLDERS, (model_files(), report_files()), strict=True):
        files |= {f"{folder}/{path}": text for path, text in found.items()}
    return files


def write_project(target: Path) -> int:
    """Write the project; what an earlier writing left in its two folders is replaced.

    Args:
        target: Folder; made if it is not there.

    Returns:
        How many files were written.

    Raises:
        ConfigurationError: The folder is no folder, or has other things and no project.
    """
    if target.exists() and (not target.is_dir() or (any(target.iterdir()) and not (target / f"{NAME}.pbip").exists())):
        raise ConfigurationError(
            f"{target} is there and is no Power BI project of KlineForge; name an empty folder or a new one"
        )
    for folder in _FOLDERS:
        shutil.rmtree(target / folder, ignore_errors=True)
    files = project_files()
    for path, text in files.items():
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="\n")
    return len(files)
