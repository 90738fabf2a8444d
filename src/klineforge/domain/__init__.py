"""Plain Python: no Spark, no files, no network. Everything else may import this; this imports nothing of the rest."""
