"""The fifteen simulated listings: how each is named, how it is quoted and how it tends to move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNITS = 10**8
"""Prices and volumes are whole numbers of this fraction, the eight decimals Binance prints."""


@dataclass(frozen=True, slots=True)
class SimulatedCoin:
    """One listing and the parameters of its price process.

    Args:
        symbol: Native symbol, as in the exchange's URLs.
        base_asset: What is traded.
        quote_asset: What it is paid in.
        anchor: Price the base asset hovers around over the years, in USDT (also when the quote asset is another).
        beta: Sensitivity to the common market return.
        own_volatility: Typical hourly standard deviation of the coin-specific return (fraction: 0.01 is one per cent).
        turnover: Typical value traded in an hour, in USDT.
        trade_size: Typical value of one trade, in USDT.
        tick: Smallest price step, in 1e-8 quote asset.
        lot: Smallest quantity step, in 1e-8 base asset.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    anchor: float
    beta: float
    own_volatility: float
    turnover: float
    trade_size: float
    tick: int
    lot: int


COINS: tuple[SimulatedCoin, ...] = (
    SimulatedCoin("BTCUSDT", "BTC", "USDT", 65_000.0, 1.00, 0.0018, 60e6, 900.0, UNITS // 100, UNITS // 100_000),
    SimulatedCoin("ETHUSDT", "ETH", "USDT", 3_200.0, 1.15, 0.0028, 30e6, 700.0, UNITS // 100, UNITS // 10_000),
    SimulatedCoin("BNBUSDT", "BNB", "USDT", 600.0, 0.90, 0.0030, 6e6, 400.0, UNITS // 100, UNITS // 1_000),
    SimulatedCoin("ADAUSDT", "ADA", "USDT", 0.60, 1.20, 0.0050, 4e6, 200.0, UNITS // 10_000, UNITS // 10),
    SimulatedCoin("XRPUSDT", "XRP", "USDT", 0.90, 1.05, 0.0055, 12e6, 300.0, UNITS // 10_000, UNITS // 10),
    SimulatedCoin("SOLUSDT", "SOL", "USDT", 160.0, 1.40, 0.0050, 18e6, 350.0, UNITS // 100, UNITS // 1_000),
    SimulatedCoin("DOTUSDT", "DOT", "USDT", 7.0, 1.25, 0.0045, 1.5e6, 180.0, UNITS // 1_000, UNITS // 100),
    SimulatedCoin("DOGEUSDT", "DOGE", "USDT", 0.16, 1.30, 0.0060, 9e6, 250.0, UNITS // 100_000, UNITS),
    SimulatedCoin("LTCUSDT", "LTC", "USDT", 90.0, 1.10, 0.0045, 3e6, 220.0, UNITS // 100, UNITS // 1_000),
    SimulatedCoin("LINKUSDT", "LINK", "USDT", 16.0, 1.30, 0.0050, 4e6, 220.0, UNITS // 100, UNITS // 100),
    SimulatedCoin("ALGOUSDT", "ALGO", "USDT", 0.20, 1.30, 0.0055, 0.7e6, 120.0, UNITS // 10_000, UNITS),
    SimulatedCoin("FTMBNB", "FTM", "BNB", 0.70, 1.45, 0.0070, 0.06e6, 90.0, UNITS // 10_000_000, UNITS),
    SimulatedCoin("TRXUSDT", "TRX", "USDT", 0.14, 0.60, 0.0030, 2e6, 200.0, UNITS // 100_000, UNITS // 10),
    SimulatedCoin("MATICUSDT", "MATIC", "USDT", 0.70, 1.30, 0.0055, 2.5e6, 180.0, UNITS // 10_000, UNITS // 10),
    SimulatedCoin("AVAXUSDT", "AVAX", "USDT", 35.0, 1.40, 0.0055, 4e6, 220.0, UNITS // 100, UNITS // 100),
)

SYMBOLS: tuple[str, ...] = tuple(coin.symbol for coin in COINS)
POSITION: dict[str, int] = {symbol: position for position, symbol in enumerate(SYMBOLS)}


def quote_matrix() -> NDArray[np.float64]:
    """Matrix that turns a row of coin values into the row of the values of what each coin is quoted in.

    Column ``j`` picks the listing that prices the quote asset of coin ``j`` in USDT, and is zero when that is USDT.
    """
    matrix = np.zeros((len(COINS), len(COINS)))
    for position, coin in enumerate(COINS):
        if coin.quote_asset != "USDT":
            matrix[POSITION[f"{coin.quote_asset}USDT"], position] = 1.0
    return matrix
