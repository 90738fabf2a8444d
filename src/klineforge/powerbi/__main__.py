"""Write the Power BI project: the module behind ``make powerbi``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from klineforge.errors import KlineForgeError
from klineforge.powerbi.project import NAME, project_files, write_project
from klineforge.powerbi.schemas import schema_errors


def main(arguments: list[str] | None = None) -> int:
    """Entry point.

    Args:
        arguments: Command line after the program's name.

    Returns:
        Exit code: 1 where a file breaks its schema, 2 where nothing could be done.
    """
    parser = argparse.ArgumentParser(prog="python -m klineforge.powerbi", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=Path("build") / "powerbi", help="folder, build/powerbi by default"
    )
    parser.add_argument(
        "--schemas", type=Path, help="checkout of github.com/microsoft/json-schemas to hold the files against"
    )
    chosen = parser.parse_args(arguments)
    try:
        if chosen.schemas is not None and (errors := schema_errors(project_files(), chosen.schemas)):
            print("\n".join(errors), file=sys.stderr)
            return 1
        count = write_project(chosen.output)
    except KlineForgeError as error:
        print(error, file=sys.stderr)
        return 2
    held = "" if chosen.schemas is None else ", all as their schemas say"
    print(f"{chosen.output / NAME}.pbip: {count} files{held}; docs/powerbi.md says how to open it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
