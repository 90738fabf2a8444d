"""Contracts of the marts. ``W(t)`` is the candles of one listing on one exchange opened in ``(t - 24 h, t]``."""

from __future__ import annotations

from klineforge.contracts.silver import EXCHANGE, HOURS_PER_DAY, LISTING
from klineforge.domain.contract import Column, ForeignKey, TableContract

PRICE = "quote asset per base asset"
_KEY = (
    Column("exchange", "STRING", "Exchange code."),
    Column("coin", "STRING", "Native symbol."),
    Column("open_timestamp", "TIMESTAMP", "Hour the candle opened.", "UTC"),
)
_GRAIN = ("exchange", "coin", "open_timestamp")
_NO_PREVIOUS = "the listing has no candle opened exactly one hour earlier"
_HOUR = ForeignKey(("open_timestamp",), "dim_timestamp", ("ts",))
_TOO_FEW = "fewer than two returns in the window"

MART_RETURNS_1H = TableContract(
    name="mart_returns_1h",
    layer="marts",
    description="Hourly returns, 24-hour volatility and its regime, drawdown from the listing's highest close so far.",
    grain=_GRAIN,
    time_column="open_timestamp",
    partitioned=True,
    sort_by=_GRAIN,
    subject=("exchange", "coin"),
    source="fact_1h_klines",
    foreign_keys=(LISTING, EXCHANGE, _HOUR),
    rows_per_day=HOURS_PER_DAY,
    columns=(
        *_KEY,
        Column(
            "listing_seq",
            "INT",
            "Which of the assets the coin has named, from 1; no figure reaches back into another listing.",
            check="listing_seq >= 1",
        ),
        Column("close_price", "DOUBLE", "Closing price.", PRICE),
        Column("prev_close", "DOUBLE", "Close of the candle opened exactly one hour earlier.", PRICE, _NO_PREVIOUS),
        Column("return_pct", "DOUBLE", "close_price / prev_close - 1.", "fraction", _NO_PREVIOUS),
        Column("log_return", "DOUBLE", "ln(close_price / prev_close).", "natural log", _NO_PREVIOUS),
        Column("rolling_vol_24h", "DOUBLE", "Sample standard deviation of return_pct in W.", "fraction", _TOO_FEW),
        Column("observations_24h", "INT", "Non-null returns in W.", "hours", check="observations_24h BETWEEN 0 AND 24"),
        Column(
            "volatility_regime",
            "STRING",
            "High above 1.5 times the mean volatility of W, Medium above the mean, else Low.",
            None,
            "volatility is null",
            accepted=("High", "Medium", "Low"),
        ),
        Column("running_peak_price", "DOUBLE", "Highest close of the listing so far.", PRICE),
        Column(
            "drawdown_pct",
            "DOUBLE",
            "close_price / running_peak_price - 1.",
            "fraction",
            check="drawdown_pct BETWEEN -1 AND 0",
        ),
    ),
)

MART_VOLUME_METRICS_1H = TableContract(
    name="mart_volume_metrics_1h",
    layer="marts",
    description="Volume against its 24-hour mean, spikes, and the 24-hour volume-weighted average price.",
    grain=_GRAIN,
    time_column="open_timestamp",
    partitioned=True,
    sort_by=_GRAIN,
    subject=("exchange", "coin"),
    source="fact_1h_klines",
    foreign_keys=(EXCHANGE, _HOUR),
    rows_per_day=HOURS_PER_DAY,
    columns=(
        *_KEY,
        Column("close_price", "DOUBLE", "Closing price.", PRICE),
        Column("volume", "DOUBLE", "Traded volume.", "base asset"),
        Column("quote_volume", "DOUBLE", "Traded value.", "quote asset"),
        Column("rolling_volume_24h", "DOUBLE", "Sum of volume over W.", "base asset"),
        Column("avg_volume_24h", "DOUBLE", "Mean volume over W.", "base asset per hour"),
        Column("observations_24h", "INT", "Candles in W.", "hours", check="observations_24h BETWEEN 1 AND 24"),
        Column("volume_spike_ratio", "DOUBLE", "volume / avg_volume_24h.", "ratio", "nothing was traded in W"),
        Column("is_volume_spike", "BOOLEAN", "volume is more than twice avg_volume_24h."),
        Column("vwap_24h", "DOUBLE", "Sum of quote_volume / sum of volume over W.", PRICE, "nothing was traded in W"),
    ),
)

MART_TOP_MOVERS = TableContract(
    name="mart_top_movers",
    layer="marts",
    description="Coins ranked within each hour and exchange by the size of their move times their relative volume.",
    grain=_GRAIN,
    time_column="open_timestamp",
    partitioned=True,
    sort_by=_GRAIN,
    subject=("exchange",),
    source="mart_returns_1h, mart_volume_metrics_1h",
    foreign_keys=(EXCHANGE, _HOUR),
    rows_per_day=HOURS_PER_DAY,
    columns=(
        *_KEY,
        Column("return_pct", "DOUBLE", "close_price / prev_close - 1.", "fraction", _NO_PREVIOUS),
        Column("log_return", "DOUBLE", "ln(close_price / prev_close).", "natural log", _NO_PREVIOUS),
        Column("rolling_vol_24h", "DOUBLE", "Sample standard deviation of return_pct in W.", "fraction", _TOO_FEW),
        Column("volume_spike_ratio", "DOUBLE", "volume / avg_volume_24h.", "ratio", "nothing was traded in W"),
        Column(
            "mover_signal",
            "DOUBLE",
            "|return_pct| times volume_spike_ratio.",
            "fraction",
            "return or spike ratio is null",
        ),
        Column(
            "mover_rank",
            "INT",
            "Rank in the hour and exchange, 1 = strongest, ties by coin, null signals last.",
            check="mover_rank >= 1",
        ),
    ),
)

MART_CORRELATIONS = TableContract(
    name="mart_correlations",
    layer="marts",
    description="24-hour rolling correlation of hourly returns for every pair of coins that both have a candle.",
    grain=("exchange", "base_coin", "related_coin", "open_timestamp"),
    time_column="open_timestamp",
    partitioned=True,
    sort_by=("exchange", "base_coin", "related_coin", "open_timestamp"),
    subject=("exchange",),
    source="fact_1h_klines",
    checks=(("pair_is_ordered", "base_coin < related_coin"),),
    foreign_keys=(
        EXCHANGE,
        _HOUR,
        ForeignKey(("exchange", "base_coin"), "dim_coins", ("exchange", "coin")),
        ForeignKey(("exchange", "related_coin"), "dim_coins", ("exchange", "coin")),
    ),
    rows_per_day=HOURS_PER_DAY,
    columns=(
        Column("exchange", "STRING", "Exchange code."),
        Column("base_coin", "STRING", "The pair's first coin in alphabetical order."),
        Column("related_coin", "STRING", "The pair's second coin."),
        Column("open_timestamp", "TIMESTAMP", "Hour the candles opened.", "UTC"),
        Column(
            "corr_24h",
            "DOUBLE",
            "Pearson correlation of the two return_pct over the hours of (t - 24 h, t] in which both are non-null.",
            "-1 to 1",
            "fewer than min_observations hours, or one side does not vary",
            check="corr_24h BETWEEN -1 AND 1",
            tolerance=1e-12,
        ),
        Column("observations_24h", "INT", "Hours in which both returns are non-null.", "hours"),
        Column(
            "correlation_regime",
            "STRING",
            "By |corr_24h|: High from 0.8, Medium from 0.5, Low from 0.3, else Uncorrelated.",
            None,
            "corr_24h is null",
            accepted=("High", "Medium", "Low", "Uncorrelated"),
        ),
        Column(
            "corr_breakdown_alerts",
            "BOOLEAN",
            "corr_24h moved by more than 0.5 since the hour before; false where either is null.",
        ),
    ),
)

MART_MARKET_BREADTH_1H = TableContract(
    name="mart_market_breadth_1h",
    layer="marts",
    description="How many coins of an exchange rose and fell in an hour, how far apart, and how closely correlated.",
    grain=("exchange", "open_timestamp"),
    time_column="open_timestamp",
    partitioned=True,
    sort_by=("exchange", "open_timestamp"),
    subject=("exchange",),
    source="mart_returns_1h, mart_volume_metrics_1h, mart_correlations",
    checks=(("every_return_has_a_sign", "advancers + decliners + unchanged = coins_with_return"),),
    foreign_keys=(EXCHANGE, _HOUR),
    rows_per_day=HOURS_PER_DAY,
    columns=(
        Column("exchange", "STRING", "Exchange code."),
        Column("open_timestamp", "TIMESTAMP", "Hour the candles opened.", "UTC"),
        Column("coins_with_return", "INT", "Non-null return_pct of the hour.", "coins"),
        Column("advancers", "INT", "Coins whose return_pct is above zero.", "coins"),
        Column("decliners", "INT", "Coins whose return_pct is below zero.", "coins"),
        Column("unchanged", "INT", "Coins whose return_pct is zero.", "coins"),
        Column("advance_decline_ratio", "DOUBLE", "advancers / decliners.", "ratio", "no coin declined"),
        Column("mean_return", "DOUBLE", "Mean return_pct of the coins, unweighted.", "fraction", "no coin has one"),
        Column("return_dispersion", "DOUBLE", "Sample standard deviation across coins.", "fraction", "fewer than two"),
        Column("coins_with_vwap", "INT", "Non-null vwap_24h of the hour.", "coins"),
        Column("share_above_vwap_24h", "DOUBLE", "Share of coins that closed above it.", "fraction", "no coin has one"),
        Column("pairs_with_correlation", "INT", "Non-null corr_24h of the hour.", "pairs"),
        # The mean of figures that are the same within a tolerance.
        Column("mean_corr_24h", "DOUBLE", "Mean corr_24h, unweighted.", "-1 to 1", "no pair has one", tolerance=1e-12),
    ),
)
