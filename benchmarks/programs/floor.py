"""Start Kedro with this project, start Spark, commit one row to a new Delta table: ``floor FOLDER [brief]``.

With ``brief`` the session is the one that small runs start.
"""

from __future__ import annotations

import sys
import uuid

from benchmarks.programs.project import session_on


def main(folder: str, kind: str = "") -> None:
    """Do it."""
    with session_on() as session:
        if "fact_1h_klines" not in session.load_context().catalog:
            raise SystemExit("the catalog of this project has no fact_1h_klines")
        from klineforge.spark.session import get_session

        spark = get_session(brief=kind == "brief")
        spark.range(1).write.format("delta").save(f"{folder}/{uuid.uuid4().hex}")


if __name__ == "__main__":
    main(*sys.argv[1:])
