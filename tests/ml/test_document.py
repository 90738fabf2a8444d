"""docs/machine-learning.md: its blocks run one after the other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ml.panels import candles

import klineforge.ml

PAGE = Path(__file__).parents[2] / "docs" / "machine-learning.md"


def test_blocks_of_the_page_run(demo_lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known: dict[str, Any] = {"LAKE": str(demo_lake), "CANDLES": candles(2, 60)}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) >= 7

    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), known)  # noqa: S102  the project's own document

    assert known["newest"].height == known["newest"]["coin"].n_unique() > 1
    assert known["known"].height == known["decisions"].height
    printed = capsys.readouterr().out
    assert "1 features do not look ahead" in printed
    assert "momentum:" in printed


def test_page_names_everything_that_is_public() -> None:
    page = PAGE.read_text()
    assert [name for name in klineforge.ml.__all__ if not re.search(rf"\b{name}\b", page)] == []
