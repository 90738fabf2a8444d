"""Contracts of the tables for models, made from the feature catalogue and the label catalogue."""

from __future__ import annotations

from klineforge.contracts.feature_catalogue import FEATURES
from klineforge.contracts.label_catalogue import LABELS
from klineforge.contracts.silver import EXCHANGE, HOURS_PER_DAY, LISTING, LISTING_SEQ
from klineforge.domain.contract import Column, ForeignKey, TableContract

_KEY = (
    Column("exchange", "STRING", "Exchange code."),
    Column("coin", "STRING", "Native symbol."),
    Column("available_at", "TIMESTAMP", "When the row is known: the candle has closed.", "UTC"),
    Column("open_timestamp", "TIMESTAMP", "Hour the candle opened.", "UTC"),
    LISTING_SEQ,
)
_GRAIN = ("exchange", "coin", "available_at")
_KNOWN_AT_CLOSE = ("known_at_close", "available_at = open_timestamp + INTERVAL '1' HOUR")
_KEYS = (LISTING, EXCHANGE, ForeignKey(("open_timestamp",), "dim_timestamp", ("ts",)))

FEATURES_1H = TableContract(
    name="features_1h",
    layer="features",
    description="What is known of a coin when a candle has closed: inputs of models, none of which looks ahead.",
    grain=_GRAIN,
    time_column="available_at",
    partitioned=True,
    sort_by=_GRAIN,
    subject=("exchange", "coin"),
    source="fact_1h_klines, mart_returns_1h, mart_volume_metrics_1h, mart_indicators_1h, mart_correlations, "
    "mart_market_breadth_1h",
    checks=(_KNOWN_AT_CLOSE,),
    foreign_keys=_KEYS,
    rows_per_day=HOURS_PER_DAY,
    is_time_series=True,
    columns=(*_KEY, *(spec.column for spec in FEATURES)),
)

LABELS_1H = TableContract(
    name="labels_1h",
    layer="features",
    description="What became of a coin after available_at: what models are to foretell. Kept apart from the features.",
    grain=_GRAIN,
    time_column="available_at",
    partitioned=True,
    sort_by=_GRAIN,
    subject=("exchange", "coin"),
    source="mart_returns_1h",
    checks=(_KNOWN_AT_CLOSE,),
    foreign_keys=_KEYS,
    rows_per_day=HOURS_PER_DAY,
    is_time_series=True,
    columns=(*_KEY, *(spec.column for spec in LABELS)),
)

FEATURE_CATALOGUE = TableContract(
    name="feature_catalogue",
    layer="features",
    description="One row per column of features_1h and labels_1h beside their key: what it is and how far it looks.",
    grain=("table_name", "column_name"),
    sort_by=("table_name", "position"),
    source="src/klineforge/contracts/feature_catalogue.py and label_catalogue.py",
    columns=(
        Column("table_name", "STRING", "Table of the column.", accepted=("features_1h", "labels_1h")),
        Column("column_name", "STRING", "Its name."),
        Column("position", "INT", "Its place among the catalogue's columns of the table.", "from 0"),
        Column(
            "role",
            "STRING",
            "What it is for: an input of models, the number of observations a figure rests on, what is to be foretold.",
            accepted=("feature", "count", "label", "label_end", "label_scale"),
        ),
        Column("data_type", "STRING", "Spark SQL type."),
        Column("unit", "STRING", "What it is measured in."),
        Column(
            "formula", "STRING", "How it is computed; t is open_timestamp, W the candles opened in (t - window, t]."
        ),
        Column("window_hours", "INT", "Length of W.", "hours", "the listing's candles since its first"),
        Column("lookback_hours", "INT", "No candle opened earlier than that before t is read.", "hours", "no bound"),
        Column("horizon_hours", "INT", "How long after available_at the last candle read closes.", "hours"),
        Column("source", "STRING", "Table the figure, or what it is computed from, is in."),
        Column("null_rule", "STRING", "When it is null.", None, "it never is"),
        Column("count_column", "STRING", "Number of observations it rests on.", None, "the formula names its candles"),
        Column("minimum_observations", "INT", "Below that it is null.", "observations", "no such bound"),
        Column("label_end_column", "STRING", "Column that says when the label is known.", None, "it is no label"),
        Column("since_version", "STRING", "Version of the package that brought it, or its present meaning."),
    ),
)
