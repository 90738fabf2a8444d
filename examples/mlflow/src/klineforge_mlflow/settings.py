"""Settings of the project; kedro-mlflow's own hook registers itself."""

from klineforge_mlflow.hooks import TableVersionTags

HOOKS = (TableVersionTags(),)
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "base"}
