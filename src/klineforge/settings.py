"""Kedro project settings."""

from datetime import UTC, datetime

from kedro.config import OmegaConfigLoader

from klineforge.hooks import LakeHooks, SparkHooks

HOOKS = (SparkHooks(), LakeHooks())


def months_ago(months: int) -> str:
    """The first day of the month so many months ago, as an ISO date; for parameters that move with the clock.

    Args:
        months: Whole months, at least 0.
    """
    now = datetime.now(UTC)
    count = now.year * 12 + now.month - 1 - int(months)
    return f"{count // 12:04d}-{count % 12 + 1:02d}-01"


CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"spark": ["spark*", "spark*/**"], "openlineage": ["openlineage*"]},
    "custom_resolvers": {"months_ago": months_ago},
}
