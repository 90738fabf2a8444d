"""Start Kedro with this project, start Spark, commit one row to a new Delta table: ``floor FOLDER``."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

REPOSITORY = Path(__file__).resolve().parents[2]


def main(folder: str) -> None:
    """Do it."""
    bootstrap_project(REPOSITORY)
    with KedroSession.create(project_path=REPOSITORY) as session:
        catalog = session.load_context().catalog  # type: ignore[attr-defined]  # the protocol leaves it out
        if "fact_1h_klines" not in catalog:
            raise SystemExit("the catalog of this project has no fact_1h_klines")
        from klineforge.spark.session import get_session

        spark = get_session()
        spark.range(1).write.format("delta").save(f"{folder}/{uuid.uuid4().hex}")


if __name__ == "__main__":
    main(sys.argv[1])
