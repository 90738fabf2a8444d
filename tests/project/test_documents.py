"""Documents that are made from code, or point into it, tell the truth."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from klineforge.contracts import CONTRACTS
from klineforge.domain.contract import Column, TableContract
from klineforge.reporting import feature_catalogue
from klineforge.reporting.data_dictionary import main, render

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
_CODE_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

EXAMPLE = TableContract(
    name="fees",
    layer="gold",
    description="What an exchange charges.",
    grain=("exchange",),
    sort_by=("exchange",),
    checks=(("taker_not_below_maker", "taker >= maker"),),
    columns=(
        Column("exchange", "STRING", "Exchange code.", accepted=("binance", "bybit")),
        Column("taker", "DOUBLE", "Taker fee | as listed.", "fraction", "not published", check="taker >= 0"),
    ),
)


def broken_links(document: Path) -> list[str]:
    """Relative links of a Markdown file that lead nowhere."""
    text = _CODE_BLOCK.sub("", document.read_text("utf-8"))
    targets = [target for target in _LINK.findall(text) if "://" not in target and not target.startswith("mailto:")]
    return [target for target in targets if not (document.parent / target).exists()]


def documents() -> list[Path]:
    return [*ROOT.glob("*.md"), *(file for file in ROOT.glob("docs/**/*.md") if "0000-template" not in file.name)]


def test_data_dictionary_names_grain_unit_null_values_and_checks() -> None:
    text = render([EXAMPLE])
    assert "## Gold\n\n### fees\n\nWhat an exchange charges." in text
    assert "- **Grain:** `exchange`" in text
    assert "- **Check** `taker_not_below_maker`: `taker >= maker`" in text
    assert "| `exchange` | STRING | Exchange code. |  |  | `binance`, `bybit` |" in text
    assert r"| `taker` | DOUBLE | Taker fee \| as listed. | fraction | not published | `taker >= 0` |" in text


def test_data_dictionary_check_bad_example_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "data-dictionary.md"
    assert main(["--check", "--output", str(document)]) == 1
    assert main(["--output", str(document)]) == 0
    assert main(["--check", "--output", str(document)]) == 0
    document.write_text(document.read_text("utf-8").replace("binance", "somewhere"), "utf-8")
    assert main(["--check", "--output", str(document)]) == 1
    assert "run make docs" in capsys.readouterr().err


def test_data_dictionary_describes_every_table_as_it_is() -> None:
    text = (ROOT / "docs" / "data-dictionary.md").read_text("utf-8")
    assert text == render(CONTRACTS.values()), "the data dictionary is out of date; run make docs"


def test_feature_catalogue_check_bad_example_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "features.md"
    document.write_text("No place for it.\n", "utf-8")
    assert feature_catalogue.main(["--check", "--output", str(document)]) == 1
    assert "catalogue:start" in capsys.readouterr().err
    document.write_text("<!-- catalogue:start -->\n<!-- catalogue:end -->\n", "utf-8")
    assert feature_catalogue.main(["--check", "--output", str(document)]) == 1
    assert feature_catalogue.main(["--output", str(document)]) == 0
    assert feature_catalogue.main(["--check", "--output", str(document)]) == 0
    assert "| `log_return_24h` | DOUBLE | natural log |" in document.read_text("utf-8")
    document.write_text(document.read_text("utf-8").replace("log_return_24h", "log_return_25h"), "utf-8")
    assert feature_catalogue.main(["--check", "--output", str(document)]) == 1
    assert "run make docs" in capsys.readouterr().err


def test_feature_catalogue_in_the_documents_is_that_of_the_contracts() -> None:
    assert feature_catalogue.render() in (ROOT / "docs" / "features.md").read_text("utf-8"), "run make docs"


def test_broken_links_bad_example_is_found(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(
        "[here](page.md) [web](https://example.org) [gone](gone.md#part)\n```\n[code](x)\n```\n", "utf-8"
    )
    assert broken_links(document) == ["gone.md"]


def test_documents_have_no_broken_links() -> None:
    found = {document.relative_to(ROOT).as_posix(): broken_links(document) for document in documents()}
    assert {name: links for name, links in found.items() if links} == {}


def test_lock_files_belong_to_pyproject() -> None:
    checked = subprocess.run(
        [sys.executable, "scripts/lock.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert checked.stderr == ""
    assert checked.returncode == 0


def test_make_without_target_lists_the_targets() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert listed.returncode == 0, listed.stderr
    targets = re.findall(r"^  make (\w+)", listed.stdout, re.MULTILINE)
    assert {"setup", "test", "check", "demo", "lineage", "bench", "lock", "clean"} <= set(targets)


def test_telemetry_is_refused_by_the_project() -> None:
    assert (ROOT / ".telemetry").read_text("utf-8") == "consent: false\n"
