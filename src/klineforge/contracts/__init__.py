"""Every table of the lake by name."""

from __future__ import annotations

from klineforge.contracts.bronze import (
    BINANCE_EXCHANGE_INFO,
    BINANCE_INGESTION_CHECKPOINTS,
    BINANCE_KLINES_DAILY,
)
from klineforge.contracts.features import FEATURE_CATALOGUE, FEATURES_1H, LABELS_1H
from klineforge.contracts.gold import DIM_COINS, DIM_EXCHANGE, DIM_TIMESTAMP
from klineforge.contracts.indicators import MART_INDICATORS_1H
from klineforge.contracts.marts import (
    MART_CORRELATIONS,
    MART_MARKET_BREADTH_1H,
    MART_RETURNS_1H,
    MART_TOP_MOVERS,
    MART_VOLUME_METRICS_1H,
)
from klineforge.contracts.operations import ALERT_DELIVERIES, ALERTS, QUALITY_RESULTS, RUN_LOG
from klineforge.contracts.silver import (
    FACT_1H_KLINES,
    KLINE_GAPS,
    KLINE_RUNS,
    QUARANTINE_KLINES,
    STAGE_BINANCE_KLINES,
)
from klineforge.domain.contract import TableContract

CONTRACTS: dict[str, TableContract] = {
    contract.name: contract
    for contract in (
        BINANCE_KLINES_DAILY,
        BINANCE_INGESTION_CHECKPOINTS,
        BINANCE_EXCHANGE_INFO,
        STAGE_BINANCE_KLINES,
        FACT_1H_KLINES,
        QUARANTINE_KLINES,
        KLINE_RUNS,
        KLINE_GAPS,
        DIM_COINS,
        DIM_EXCHANGE,
        DIM_TIMESTAMP,
        MART_RETURNS_1H,
        MART_VOLUME_METRICS_1H,
        MART_TOP_MOVERS,
        MART_CORRELATIONS,
        MART_MARKET_BREADTH_1H,
        MART_INDICATORS_1H,
        FEATURES_1H,
        LABELS_1H,
        FEATURE_CATALOGUE,
        QUALITY_RESULTS,
        ALERTS,
        ALERT_DELIVERIES,
        RUN_LOG,
    )
}


def contract_of(name: str) -> TableContract:
    """The contract of a table.

    Raises:
        KeyError: When no such table exists; the message lists those that do.
    """
    if name not in CONTRACTS:
        raise KeyError(f"no contract for table {name!r}; known tables: {', '.join(sorted(CONTRACTS))}")
    return CONTRACTS[name]
