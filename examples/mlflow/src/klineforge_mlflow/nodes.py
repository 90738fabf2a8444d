"""From a training set to scores and a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline

from klineforge.ml import PurgedWalkForward, TrainingSet

Scores = dict[str, list[dict[str, float]]]


def describe(training: TrainingSet) -> dict[str, Any]:
    """The manifest of a training set, ready for JSON."""
    described: dict[str, Any] = json.loads(training.manifest.to_json())
    return described


def evaluate(training: TrainingSet, options: Mapping[str, Any]) -> Scores:
    """Score the model, and a baseline without one, in test periods that follow what was trained on.

    Args:
        training: Rows with a forward return.
        options: ``n_splits``, ``embargo_hours`` and what :func:`fitted` takes.

    Returns:
        Area under the ROC curve of "it rises" per test period, of the model and of momentum (what rose will rise).
    """
    values, returns = training.numpy()
    rises = returns > 0
    momentum = np.nan_to_num(values[:, list(training.X.columns).index("log_return_24h")])
    splitter = PurgedWalkForward(
        options["n_splits"], embargo=timedelta(hours=options["embargo_hours"]), t0=training.t0, t1=training.t1
    )
    scores: Scores = {"auc": [], "auc_momentum": []}
    for step, (trained, tested) in enumerate(splitter.split(values)):
        model = fitted(values[trained], rises[trained], options)
        found = {"auc": model.predict_proba(values[tested])[:, 1], "auc_momentum": momentum[tested]}
        for name, score in found.items():
            scores[name].append({"value": float(roc_auc_score(rises[tested], score)), "step": step})
    return scores


def fit(training: TrainingSet, options: Mapping[str, Any]) -> Pipeline:
    """The model of all rows; what it is worth is what :func:`evaluate` says of its like."""
    values, returns = training.numpy()
    return fitted(values, returns > 0, options)


def fitted(values: NDArray[np.float64], rises: NDArray[np.bool_], options: Mapping[str, Any]) -> Pipeline:
    """Gradient boosting of the columns that tell rows apart.

    Args:
        values: Rows by features, NaN for null. A column may hold nothing yet: a window of 720 h in the first month.
        rises: What is to be foretold.
        options: ``max_iter``, ``learning_rate`` and ``random_state``.
    """
    telling = np.flatnonzero(np.fmin.reduce(values) < np.fmax.reduce(values)).tolist()
    model = HistGradientBoostingClassifier(
        max_iter=options["max_iter"], learning_rate=options["learning_rate"], random_state=options["random_state"]
    )
    return Pipeline([("columns", ColumnTransformer([("telling", "passthrough", telling)])), ("model", model)]).fit(
        values, rises
    )
