-- mart_correlations, naive: the row before instead of the hour before, 24 rows instead of 24 hours.
WITH returns AS (
    SELECT
        exchange,
        coin,
        open_timestamp,
        close_price / lag(close_price) OVER (PARTITION BY exchange, coin ORDER BY open_timestamp) - 1 AS return_pct
    FROM fact
),
pairs AS (
    SELECT
        base.exchange,
        base.coin AS base_coin,
        related.coin AS related_coin,
        base.open_timestamp,
        base.return_pct AS base_return,
        related.return_pct AS related_return
    FROM returns AS base
    INNER JOIN returns AS related
        ON base.exchange = related.exchange
        AND base.open_timestamp = related.open_timestamp
        AND base.coin < related.coin
),
correlated AS (
    SELECT
        exchange,
        base_coin,
        related_coin,
        open_timestamp,
        CASE
            WHEN count(base_return + related_return) OVER last_day >= 12
                THEN corr(base_return, related_return) OVER last_day
        END AS corr_24h,
        CAST(count(base_return + related_return) OVER last_day AS INT) AS observations_24h
    FROM pairs
    WINDOW last_day AS (
        PARTITION BY exchange, base_coin, related_coin
        ORDER BY open_timestamp
        ROWS BETWEEN 23 PRECEDING AND CURRENT ROW
    )
)
SELECT
    *,
    CASE
        WHEN corr_24h IS NULL THEN NULL
        WHEN abs(corr_24h) >= 0.8 THEN 'High'
        WHEN abs(corr_24h) >= 0.5 THEN 'Medium'
        WHEN abs(corr_24h) >= 0.3 THEN 'Low'
        ELSE 'Uncorrelated'
    END AS correlation_regime,
    coalesce(
        abs(
            corr_24h
            - lag(corr_24h) OVER (PARTITION BY exchange, base_coin, related_coin ORDER BY open_timestamp)
        ) > 0.5,
        false
    ) AS corr_breakdown_alerts
FROM correlated
