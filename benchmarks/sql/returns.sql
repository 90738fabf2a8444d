-- mart_returns_1h, naive: the row before instead of the hour before, 24 rows instead of 24 hours.
WITH moves AS (
    SELECT
        *,
        lag(close_price) OVER (PARTITION BY exchange, coin ORDER BY open_timestamp) AS prev_close,
        max(close_price) OVER (
            PARTITION BY exchange, coin ORDER BY open_timestamp ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS running_peak_price
    FROM fact
),
returns AS (
    SELECT
        *,
        close_price / prev_close - 1 AS return_pct,
        ln(close_price / prev_close) AS log_return
    FROM moves
),
volatilities AS (
    SELECT
        *,
        stddev_samp(return_pct) OVER last_day AS rolling_vol_24h,
        CAST(count(return_pct) OVER last_day AS INT) AS observations_24h
    FROM returns
    WINDOW last_day AS (
        PARTITION BY exchange, coin ORDER BY open_timestamp ROWS BETWEEN 23 PRECEDING AND CURRENT ROW
    )
),
means AS (
    SELECT
        *,
        avg(rolling_vol_24h) OVER (
            PARTITION BY exchange, coin ORDER BY open_timestamp ROWS BETWEEN 23 PRECEDING AND CURRENT ROW
        ) AS mean_volatility
    FROM volatilities
)
SELECT
    exchange,
    coin,
    open_timestamp,
    close_price,
    prev_close,
    return_pct,
    log_return,
    rolling_vol_24h,
    observations_24h,
    CASE
        WHEN rolling_vol_24h IS NULL THEN NULL
        WHEN rolling_vol_24h > 1.5 * mean_volatility THEN 'High'
        WHEN rolling_vol_24h > mean_volatility THEN 'Medium'
        ELSE 'Low'
    END AS volatility_regime,
    running_peak_price,
    close_price / running_peak_price - 1 AS drawdown_pct
FROM means
