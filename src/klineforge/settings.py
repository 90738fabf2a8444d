"""Kedro project settings."""

from kedro.config import OmegaConfigLoader

from klineforge.hooks import LakeHooks, SparkHooks

HOOKS = (SparkHooks(), LakeHooks())

CONFIG_LOADER_CLASS = OmegaConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"spark": ["spark*", "spark*/**"]},
}
