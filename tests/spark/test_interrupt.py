"""A query that runs in another thread can be ended."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pyspark.sql import SparkSession

from klineforge.spark.session import interrupt

ENDLESS = "SELECT sum(a.id * b.id) FROM range(10000000) a CROSS JOIN range(10000000) b"


def test_interrupt_ends_a_query_and_leaves_the_session_usable(spark: SparkSession) -> None:
    with ThreadPoolExecutor(1) as pool:
        query = pool.submit(lambda: spark.sql(ENDLESS).collect())
        deadline = time.monotonic() + 60
        # Before the query has begun there is nothing to end.
        while not query.done() and time.monotonic() < deadline:
            time.sleep(0.5)
            interrupt()
        with pytest.raises(Exception, match=r"(?i)cancel|interrupt"):
            query.result(timeout=1)
    assert spark.range(3).count() == 3
