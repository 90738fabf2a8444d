"""The catalogue is whole, and the document says what the marks say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from faults.catalogue import BY_NUMBER, CASES, KINDS, case
from faults.document import DOCUMENT, main, proofs, render


def test_catalogue_has_all_cases_of_each_kind() -> None:
    assert len(CASES) == len(BY_NUMBER) == 101
    assert Counter(each.kind for each in CASES) == {"N": 18, "P": 28, "C": 25, "S": 10, "K": 6, "T": 5, "Y": 9}
    assert list(KINDS) == list(dict.fromkeys(each.kind for each in CASES))


def test_mark_of_a_case_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no case 999"):
        case("9", "999")


def test_document_says_what_the_marks_say() -> None:
    assert DOCUMENT.read_text("utf-8") == render(proofs()), "docs/faults.md is out of date; run make docs"


def test_marks_name_cases_that_exist() -> None:
    assert set(proofs()) <= BY_NUMBER.keys()


def test_marks_are_read_from_the_source(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        '@case("9", "10")\ndef test_waits_long_enough():\n    pass\n'
        '@case("10", "11")\n@pytest.mark.xfail(reason="not yet")\ndef test_is_patient():\n    pass\n',
        "utf-8",
    )
    text = render(proofs(tmp_path))
    assert "2 of 101 cases have a test, 88 are open,\n11 are" in text
    assert (
        "[waits long enough](../tests/test_some.py)<br>[is patient](../tests/test_some.py) (known to fail: not" in text
    )
    assert "| **open**: [is patient](../tests/test_some.py) (known to fail: not yet) |" in text
    assert "| connection refused or name unknown | bounded retries, typed error, state unchanged | **open** |" in text
    assert "not applicable yet (WebSocket)" in text


def test_check_bad_example_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "faults.md"
    assert main(["--check", "--output", str(document)]) == 1
    assert main(["--output", str(document)]) == 0
    assert main(["--check", "--output", str(document)]) == 0
    assert "run make docs" in capsys.readouterr().err
