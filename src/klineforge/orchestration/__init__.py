"""KlineForge in Dagster: assets, jobs, schedules and checks made from the registered Kedro pipelines (ADR 19).

Dagster is no dependency of the package: ``assets``, ``building``, ``checks``, ``definitions`` and ``jobs`` import it,
the others do not.
"""
