"""Features and labels for models, without a JVM: load, join as of a time, split, prove (docs/machine-learning.md)."""

from klineforge.ml.barriers import Barriers
from klineforge.ml.catalogue import feature_catalog
from klineforge.ml.joining import asof_join
from klineforge.ml.labels import make_labels
from klineforge.ml.leakage import LeakageReport, check_no_leakage
from klineforge.ml.manifest import Manifest
from klineforge.ml.reading import latest_features, load_features
from klineforge.ml.splitting import PurgedWalkForward
from klineforge.ml.training import TrainingSet, training_set

__all__ = [
    "Barriers",
    "LeakageReport",
    "Manifest",
    "PurgedWalkForward",
    "TrainingSet",
    "asof_join",
    "check_no_leakage",
    "feature_catalog",
    "latest_features",
    "load_features",
    "make_labels",
    "training_set",
]
