"""Set-up of this machine for Spark: ``python -m klineforge.spark`` Java, Delta jars, class archive."""

from __future__ import annotations

import sys

from klineforge.errors import KlineForgeError
from klineforge.spark.archive import archive_file, make_archive
from klineforge.spark.jars import delta_jars
from klineforge.spark.java import require_java


def main() -> int:
    """Prepare the machine and say what was found.

    Returns:
        Exit code: 0 when a session can start, 1 with a message on standard error when not.
    """
    try:
        java = require_java()
        print(f"     Java {java.version}: {java.executable}")
        jars = delta_jars()
    except KlineForgeError as problem:
        print(problem, file=sys.stderr)
        return 1
    if not jars:
        print("     Delta comes with the platform")
        return 0
    print(f"     {len(jars)} Delta jars: {jars[0].parent}")
    archive = archive_file(java, jars)
    if not archive.is_file():
        print("     class archive, for quicker starts: half a minute")
        try:
            make_archive(archive)
        except KlineForgeError as problem:
            # Everything works without it.
            print(f"     no class archive: {problem}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
