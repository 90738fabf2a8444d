-- mart_volume_metrics_1h, naive: 24 rows instead of 24 hours.
WITH sums AS (
    SELECT
        *,
        sum(volume) OVER last_day AS rolling_volume_24h,
        avg(volume) OVER last_day AS avg_volume_24h,
        CAST(count(volume) OVER last_day AS INT) AS observations_24h,
        sum(quote_volume) OVER last_day AS rolling_quote_volume_24h
    FROM fact
    WINDOW last_day AS (
        PARTITION BY exchange, coin ORDER BY open_timestamp ROWS BETWEEN 23 PRECEDING AND CURRENT ROW
    )
)
SELECT
    exchange,
    coin,
    open_timestamp,
    close_price,
    volume,
    quote_volume,
    rolling_volume_24h,
    avg_volume_24h,
    observations_24h,
    volume / nullif(avg_volume_24h, 0) AS volume_spike_ratio,
    volume > 2 * avg_volume_24h AS is_volume_spike,
    rolling_quote_volume_24h / nullif(rolling_volume_24h, 0) AS vwap_24h
FROM sums
