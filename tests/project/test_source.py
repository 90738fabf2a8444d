"""Conventions about the source text: what is documented, and what keeps it running on Databricks and Connect."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "klineforge"

# The session is what starts a local Spark; nothing else needs to know that there is a JVM.
SESSION_ONLY = PACKAGE / "spark"
CLASSIC_ONLY_ATTRIBUTES = {"_jvm", "_jdf", "_jsc", "_jsparkSession", "rdd", "sparkContext", "parallelize"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_definitions(tree: ast.Module) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Public functions and classes of a module and the public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                for member in node.body:
                    if isinstance(member, Function) and not member.name.startswith("_"):
                        yield f"{node.name}.{member.name}", member


def undocumented(source: str) -> list[str]:
    """What a reader of the module's help would miss: docstrings and annotations of public names."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) or not tree.body else ["module has no docstring"]
    for name, node in public_definitions(tree):
        if not ast.get_docstring(node):
            found.append(f"{name} has no docstring")
        if isinstance(node, Function):
            found += [f"{name}: {missing} has no annotation" for missing in unannotated(node)]
    return found


def unannotated(function: Function) -> list[str]:
    """Arguments, and ``return``, that have no annotation."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    named += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
    missing = [
        argument.arg for argument in named if argument.annotation is None and argument.arg not in {"self", "cls"}
    ]
    return missing if function.returns is not None else [*missing, "return"]


def classic_only(source: str) -> list[str]:
    """Uses of what Spark Connect and serverless Databricks do not have."""
    return [
        f"line {node.lineno}: .{node.attr}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in CLASSIC_ONLY_ATTRIBUTES
    ]


def expressions_at_import(source: str) -> list[str]:
    """Columns and windows built while the module is imported, which need a session that is not there yet."""
    found = []
    for statement in ast.parse(source).body:
        if isinstance(statement, Function | ast.ClassDef):
            continue
        for node in ast.walk(statement):
            called = node.func if isinstance(node, ast.Call) else None
            if (
                isinstance(called, ast.Attribute)
                and isinstance(called.value, ast.Name)
                and called.value.id in {"F", "Window"}
            ):
                found.append(f"line {node.lineno}: {called.value.id}.{called.attr}")
    return found


def findings(check: object, *, leave_out: Path | None = None) -> dict[str, list[str]]:
    """What a check finds in the package, by file."""
    assert callable(check)
    files = [file for file in sorted(PACKAGE.rglob("*.py")) if leave_out is None or leave_out not in file.parents]
    assert len(files) > 20, f"the package should be below {PACKAGE}"
    found = {file.relative_to(PACKAGE).as_posix(): check(file.read_text("utf-8")) for file in files}
    return {name: problems for name, problems in found.items() if problems}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = 1", "module has no docstring"),
        ('"""Doc."""\ndef rate() -> None: ...', "rate has no docstring"),
        ('"""Doc."""\ndef rate(x) -> None:\n    """Doc."""', "rate: x has no annotation"),
        ('"""Doc."""\ndef rate():\n    """Doc."""', "rate: return has no annotation"),
        ('"""Doc."""\nclass Fee:\n    """Doc."""\n    def rate(self) -> None: ...', "Fee.rate has no docstring"),
    ],
)
def test_undocumented_bad_example_is_found(source: str, problem: str) -> None:
    assert undocumented(source) == [problem]


def test_public_names_are_documented_and_annotated() -> None:
    assert findings(undocumented) == {}


@pytest.mark.parametrize(
    "source", ["frame.rdd.map(f)", "spark._jvm.System.gc()", "spark.sparkContext.parallelize([1])"]
)
def test_classic_only_bad_example_is_found(source: str) -> None:
    assert classic_only(source)


def test_source_outside_the_session_needs_no_jvm() -> None:
    assert findings(classic_only, leave_out=SESSION_ONLY) == {}


@pytest.mark.parametrize("source", ["ONE = F.lit(1)", "LAST_DAY = Window.partitionBy('coin').orderBy('hour')"])
def test_expressions_at_import_bad_example_is_found(source: str) -> None:
    assert expressions_at_import(source)


def test_columns_and_windows_are_built_when_called() -> None:
    assert findings(expressions_at_import) == {}
