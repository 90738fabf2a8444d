-- mart_correlations as docs/definitions.md says: ranges of time, the hour before, nulls instead of what does not vary.
WITH closes AS (
    SELECT
        exchange,
        coin,
        open_timestamp,
        close_price,
        lag(close_price) OVER by_time AS close_before,
        lag(open_timestamp) OVER by_time AS opened_before
    FROM fact
    WINDOW by_time AS (PARTITION BY exchange, coin ORDER BY open_timestamp)
),
returns AS (
    SELECT
        exchange,
        coin,
        open_timestamp,
        CASE
            WHEN opened_before = open_timestamp - INTERVAL 1 HOUR THEN close_price / close_before - 1
        END AS return_pct
    FROM closes
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
measured AS (
    SELECT
        *,
        count(base_return + related_return) OVER last_day AS observations,
        corr(base_return, related_return) OVER last_day AS correlation
    FROM pairs
    WINDOW last_day AS (
        PARTITION BY exchange, base_coin, related_coin
        ORDER BY open_timestamp
        RANGE BETWEEN INTERVAL 23 HOURS PRECEDING AND CURRENT ROW
    )
),
correlated AS (
    SELECT
        exchange,
        base_coin,
        related_coin,
        open_timestamp,
        CASE WHEN observations >= 12 AND NOT isnan(correlation) THEN correlation END AS corr_24h,
        CAST(observations AS INT) AS observations_24h
    FROM measured
),
compared AS (
    SELECT
        *,
        lag(corr_24h) OVER by_time AS corr_before,
        lag(open_timestamp) OVER by_time AS opened_before
    FROM correlated
    WINDOW by_time AS (PARTITION BY exchange, base_coin, related_coin ORDER BY open_timestamp)
)
SELECT
    exchange,
    base_coin,
    related_coin,
    open_timestamp,
    corr_24h,
    observations_24h,
    CASE
        WHEN corr_24h IS NULL THEN NULL
        WHEN abs(corr_24h) >= 0.8 THEN 'High'
        WHEN abs(corr_24h) >= 0.5 THEN 'Medium'
        WHEN abs(corr_24h) >= 0.3 THEN 'Low'
        ELSE 'Uncorrelated'
    END AS correlation_regime,
    coalesce(
        opened_before = open_timestamp - INTERVAL 1 HOUR AND abs(corr_24h - corr_before) > 0.5,
        false
    ) AS corr_breakdown_alerts
FROM compared
