"""Features and labels for models, without a JVM: load, join as of a time, split, prove (docs/machine-learning.md)."""

from klineforge.ml.joining import asof_join
from klineforge.ml.leakage import LeakageReport, check_no_leakage
from klineforge.ml.splitting import PurgedWalkForward

__all__ = ["LeakageReport", "PurgedWalkForward", "asof_join", "check_no_leakage"]
