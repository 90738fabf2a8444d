-- mart_top_movers, from the two marts above.
WITH signals AS (
    SELECT
        returns.exchange,
        returns.coin,
        returns.open_timestamp,
        returns.return_pct,
        returns.log_return,
        returns.rolling_vol_24h,
        volume.volume_spike_ratio,
        abs(returns.return_pct) * volume.volume_spike_ratio AS mover_signal
    FROM returns
    INNER JOIN volume
        ON returns.exchange = volume.exchange
        AND returns.coin = volume.coin
        AND returns.open_timestamp = volume.open_timestamp
)
SELECT
    *,
    CAST(row_number() OVER (
        PARTITION BY exchange, open_timestamp ORDER BY mover_signal DESC NULLS LAST, coin
    ) AS INT) AS mover_rank
FROM signals
