"""Write the tables of ``docs/features.md`` from the feature catalogue: a part of ``make docs``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.feature_spec import FeatureSpec
from klineforge.contracts.label_catalogue import LABEL_ENDS, LABELS

DOCUMENT = Path("docs") / "features.md"
_PART = re.compile(r"(?<=<!-- catalogue:start -->\n).*?(?=<!-- catalogue:end -->)", re.DOTALL)
_FEATURE_HEAD = ("feature", "type", "unit", "definition", "window", "looks back", "from", "null where", "rests on")
_COUNT_HEAD = ("count", "definition", "window", "from")
_LABEL_HEAD = ("label", "type", "unit", "definition", "looks ahead", "null where", "known at")


def render() -> str:
    """The catalogue as Markdown: features, the counts they rest on, labels."""
    features = [spec for spec in FEATURES if spec.role == "feature"]
    counts = [spec for spec in FEATURES if spec.role == "count"]
    lines = [
        f"### Features ({len(features)})",
        "",
        *_table(_FEATURE_HEAD, [_feature(spec) for spec in features]),
        "",
        f"### Counts ({len(counts)})",
        "",
        *_table(_COUNT_HEAD, [(f"`{s.name}`", s.formula, _hours(s.window_hours), f"`{s.source}`") for s in counts]),
        "",
        "### Labels",
        "",
        *_table(_LABEL_HEAD, [_label(spec) for spec in LABELS]),
    ]
    return "\n".join(lines) + "\n"


def _feature(spec: FeatureSpec) -> tuple[str, ...]:
    rests = f"`{spec.count_column}`" if spec.count_column else ""
    return (
        f"`{spec.name}`",
        spec.dtype,
        spec.unit,
        spec.formula,
        _hours(spec.window_hours),
        _hours(spec.lookback_hours),
        f"`{spec.source}`",
        spec.null_rule or "never",
        f"{rests} >= {spec.minimum}" if rests and spec.minimum is not None else rests,
    )


def _label(spec: FeatureSpec) -> tuple[str, ...]:
    ahead = _hours(spec.horizon_hours) if spec.horizon_hours else "no"
    known = LABEL_ENDS.get(spec.name)
    return (
        f"`{spec.name}`",
        spec.dtype,
        spec.unit,
        spec.formula,
        ahead,
        spec.null_rule or "never",
        f"`{known}`" if known else "",
    )


def _hours(hours: int | None) -> str:
    return "the listing's whole past" if hours is None else f"{hours} h"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"


def main(arguments: list[str] | None = None) -> int:
    """Entry point of its part of ``make docs`` and ``make check``.

    Args:
        arguments: Command line after the program's name.

    Returns:
        Exit code: 1 when ``--check`` finds the document out of date, or there is no place for the catalogue in it.
    """
    parser = argparse.ArgumentParser(prog="python -m klineforge.reporting.feature_catalogue", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail when the document is out of date")
    parser.add_argument("--output", type=Path, default=DOCUMENT, help=f"the document, {DOCUMENT} by default")
    chosen = parser.parse_args(arguments)
    text = chosen.output.read_text(encoding="utf-8")
    if _PART.search(text) is None:
        sys.stderr.write(f"{chosen.output} lacks the comments catalogue:start and catalogue:end\n")
        return 1
    made = _PART.sub(lambda _: f"\n{render()}\n", text)
    if not chosen.check:
        chosen.output.write_text(made, encoding="utf-8")
    elif made != text:
        sys.stderr.write(f"{chosen.output} does not show the feature catalogue as it is; run make docs\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
