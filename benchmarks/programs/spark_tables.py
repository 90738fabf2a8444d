"""Tables from a fact with a plain Spark session, into Delta: ``spark_tables FACT FOLDER NAME...``.

Default settings but for what Delta needs, the loopback address and the heap, which is the one KlineForge takes.
"""

from __future__ import annotations

import os
import sys

from pyspark.sql import SparkSession

from benchmarks.sql import statement
from klineforge.spark.jars import delta_jars
from klineforge.spark.options import driver_memory, machine_memory


def main(fact: str, folder: str, *names: str) -> None:
    """Write each table and make it readable under its name for the next."""
    spark = (
        SparkSession.builder.master("local[*]")
        .config("spark.driver.memory", driver_memory(machine_memory()))
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.extraClassPath", os.pathsep.join(str(jar) for jar in delta_jars()))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .getOrCreate()
    )
    spark.read.parquet(fact).createOrReplaceTempView("fact")
    for name in names:
        spark.sql(statement(name)).write.format("delta").save(f"{folder}/{name}")
        spark.read.format("delta").load(f"{folder}/{name}").createOrReplaceTempView(name)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
