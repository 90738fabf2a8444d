"""Check that a tag is the version of the package, and write that version's section of the changelog.

python scripts/release_notes.py v1.2.3 --output notes.md
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)


class NotAReleaseError(Exception):
    """Tag, version and changelog do not belong together."""


def section(changelog: str, version: str) -> str:
    """What the changelog says of a version, without its heading.

    Args:
        changelog: In the format of Keep a Changelog.
        version: Without a ``v``.

    Raises:
        NotAReleaseError: When it says nothing.
    """
    heading = re.compile(rf"^## \[{re.escape(version)}\].*$", re.MULTILINE)
    found = heading.search(changelog)
    text = (
        re.split(r"^(?:## |\[[^\]]+\]: )", changelog[found.end() :], maxsplit=1, flags=re.MULTILINE)[0] if found else ""
    )
    if not text.strip():
        raise NotAReleaseError(f"expected what is new under '## [{version}]' in CHANGELOG.md, found nothing")
    return text.strip() + "\n"


def notes(tag: str, project: Path) -> str:
    """The notes of the release that a tag makes.

    Args:
        tag: Such as ``v1.2.3``.
        project: Root of the project.

    Raises:
        NotAReleaseError: When the tag is not the package's version, or the changelog has no section for it.
    """
    stated = _VERSION.search((project / "src" / "klineforge" / "__init__.py").read_text(encoding="utf-8"))
    version = stated.group(1) if stated else None
    if tag != f"v{version}":
        raise NotAReleaseError(f"the tag is {tag}; expected v{version}, the version of src/klineforge/__init__.py")
    return section((project / "CHANGELOG.md").read_text(encoding="utf-8"), tag.removeprefix("v"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 1 where tag, version and changelog do not belong together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tag")
    parser.add_argument("--output", type=Path, required=True, help="file to write")
    parser.add_argument("--project", type=Path, default=PROJECT, help="root of the project")
    given = parser.parse_args(arguments)
    try:
        given.output.write_text(notes(given.tag, given.project), encoding="utf-8")
    except NotAReleaseError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
