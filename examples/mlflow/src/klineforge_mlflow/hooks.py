"""Run tags that say which versions of the tables a model was trained on, so that runs can be searched by them."""

from __future__ import annotations

from typing import Any

import mlflow
from kedro.framework.hooks import hook_impl


class TableVersionTags:
    """Tags the active run when the manifest has been saved."""

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Set ``<table>.version`` of every table, and the hash of the training set's content."""
        if dataset_name != "manifest":
            return
        tags = {f"{table}.version": version["version"] for table, version in data["tables"].items()}
        mlflow.set_tags({**tags, "training_set.content_hash": data["content_hash"]})
