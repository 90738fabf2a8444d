"""``kedro`` on tables without CHECK constraints and without the check on save: what builds would cost unchecked."""

from __future__ import annotations

import os

from kedro.framework.cli.cli import main

from klineforge.domain.contract import TableContract


def run() -> None:
    """Run a Kedro command; tables that it makes are held to nothing but their columns' types and NOT NULL."""
    TableContract.constraints = property(lambda _: {})  # type: ignore[assignment, method-assign]
    os.environ["KEDRO_DATASET_VALIDATION"] = "0"
    main()


if __name__ == "__main__":
    run()
