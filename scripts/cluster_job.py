"""What ``spark-submit`` is given: ``klineforge-job`` on the Spark that started this program (docs/clusters.md)."""

from __future__ import annotations

from klineforge.cli.job import main

if __name__ == "__main__":
    main()
