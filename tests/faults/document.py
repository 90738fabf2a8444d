"""``docs/faults.md``: which test proves which case, read from the marks in the tests.

PYTHONPATH=tests python -m faults.document [--check]
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from faults.catalogue import CASES, COMMON, KINDS, Case

TESTS = Path(__file__).resolve().parents[1]
DOCUMENT = TESTS.parent / "docs" / "faults.md"
_HEAD = """\
# What can go wrong, and the tests that prove what happens then

Generated from `tests/faults/catalogue.py` and the marks in the tests by `make docs`; do not edit.

The demo exchange injects faults by name and logs each, so that a test can say that its fault did happen
(`kedro klineforge exchange --fault help` lists them). {proven} of {total} cases have a test, {open} are open,
{not_yet} are about exchanges or interfaces that KlineForge does not speak to yet. After every case that is run against
the demo exchange these hold:

{common}
"""


@dataclass(frozen=True)
class Proof:
    """A test that is marked with a case.

    Args:
        path: File below ``tests``.
        name: The test.
        known_to_fail: Why it is expected to fail; empty when it is not.
    """

    path: str
    name: str
    known_to_fail: str = ""


def proofs(root: Path = TESTS) -> dict[str, list[Proof]]:
    """The marked tests by case number, in order of file and line."""
    found: defaultdict[str, list[Proof]] = defaultdict(list)
    for file in sorted(root.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for number, failing in _marks(node):
                    found[number].append(Proof(file.relative_to(root).as_posix(), node.name, failing))
    return dict(found)


def _marks(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Case numbers of a test, each with the reason why the test is expected to fail."""
    calls = [decorator for decorator in function.decorator_list if isinstance(decorator, ast.Call)]
    failing = next((_reason(call) for call in calls if ast.unparse(call.func) == "pytest.mark.xfail"), "")
    for call in calls:
        if ast.unparse(call.func) == "case":
            yield from ((str(ast.literal_eval(argument)), failing) for argument in call.args)


def _reason(call: ast.Call) -> str:
    return next(
        (str(ast.literal_eval(word.value)) for word in call.keywords if word.arg == "reason"), "no reason given"
    )


def render(tests: Mapping[str, list[Proof]]) -> str:
    """The document.

    Args:
        tests: The marked tests by case number.
    """
    proven = {number for number, found in tests.items() if not all(proof.known_to_fail for proof in found)}
    counts = {
        "proven": len(proven),
        "open": sum(each.number not in proven and not each.not_yet for each in CASES),
        "not_yet": sum(each.number not in proven and bool(each.not_yet) for each in CASES),
        "total": len(CASES),
    }
    parts = [_HEAD.format(common="\n".join(f"- {line}" for line in COMMON), **counts)]
    for kind, title in KINDS.items():
        parts.append(f"\n## {title}\n\n| case | what goes wrong | what has to happen | tests |\n|---|---|---|---|\n")
        parts += [_row(each, tests.get(each.number, [])) for each in CASES if each.kind == kind]
    return "".join(parts)


def _row(each: Case, tests: list[Proof]) -> str:
    proven = "<br>".join(
        f"[{proof.name.removeprefix('test_').replace('_', ' ')}](../tests/{proof.path})"
        + (f" (known to fail: {proof.known_to_fail})" if proof.known_to_fail else "")
        for proof in tests
    )
    if proven and all(proof.known_to_fail for proof in tests):
        proven = f"**open**: {proven}"
    verdict = proven or (f"not applicable yet ({each.not_yet})" if each.not_yet else "**open**")
    return f"| {each.number} | {each.fault} | {each.expected} | {verdict} |\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the document, or with ``--check`` only say whether it is up to date.

    Returns:
        The exit code: 1 when the check finds it out of date.
    """
    parser = argparse.ArgumentParser(description="Write docs/faults.md from the marks in the tests.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the document is out of date")
    parser.add_argument("--output", type=Path, default=DOCUMENT)
    chosen = parser.parse_args(arguments)
    text = render(proofs())
    if not chosen.check:
        chosen.output.write_text(text, "utf-8")
        return 0
    if chosen.output.exists() and chosen.output.read_text("utf-8") == text:
        return 0
    sys.stderr.write(f"{chosen.output} is out of date: run make docs\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
