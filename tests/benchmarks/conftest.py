"""The benchmarks are a package of the repository's folder, which not every way to start pytest looks in."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
