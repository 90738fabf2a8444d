"""The code location that ``make dagster`` loads: ``dagster dev --module-name klineforge.orchestration.definitions``."""

from __future__ import annotations

from pathlib import Path

from klineforge.orchestration.building import build
from klineforge.orchestration.place import project_of_environment

defs = build(project_of_environment(Path.cwd()))
