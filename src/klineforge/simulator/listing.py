"""``/api/v3/exchangeInfo``: the exchange's own listing of its symbols (exchange-protocols §2.3)."""

from __future__ import annotations

import json
from datetime import datetime

from klineforge.simulator.candles import printed
from klineforge.simulator.coins import COINS, POSITION, UNITS, SimulatedCoin
from klineforge.simulator.lifecycle import is_halted, is_known, is_listed
from klineforge.simulator.query import Query, legal_symbol
from klineforge.simulator.replies import Json, RequestRefusedError

PARAMETERS = frozenset({"symbol", "symbols", "symbolStatus", "permissions", "showPermissionSets"})
WEIGHT_PER_MINUTE = 6000

_STATUSES = ("TRADING", "HALT", "BREAK")
_RATE_LIMITS = (
    ("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_PER_MINUTE),
    ("ORDERS", "SECOND", 10, 100),
    ("ORDERS", "DAY", 1, 200_000),
    ("RAW_REQUESTS", "MINUTE", 5, 61_000),
)


def exchange_info(query: Query, now: datetime) -> Json:
    """The listing at a moment: delisted coins stay in it with status BREAK, coins never listed are not in it.

    Args:
        query: At most one of ``symbol``, ``symbols`` (JSON array) and ``symbolStatus``.
        now: The exchange's clock.

    Raises:
        RequestRefusedError: A symbol is unknown (-1121) or named twice (-1151), or a parameter cannot be read.
    """
    return {
        "timezone": "UTC",
        "serverTime": int(now.timestamp() * 1000),
        "rateLimits": [
            {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}
            for kind, interval, count, limit in _RATE_LIMITS
        ],
        "exchangeFilters": [],
        "symbols": [_describe(coin, now) for coin in _chosen(query, now)],
    }


def status(symbol: str, now: datetime) -> str:
    """TRADING; HALT while the whole exchange is halted; BREAK once the coin is delisted."""
    if not is_listed(symbol, now):
        return "BREAK"
    return "HALT" if is_halted(now) else "TRADING"


def _chosen(query: Query, now: datetime) -> list[SimulatedCoin]:
    one, several, wanted = query.optional("symbol"), query.optional("symbols"), query.optional("symbolStatus")
    if sum(value is not None for value in (one, several, wanted)) > 1:
        raise RequestRefusedError(-1128, "Combination of optional parameters invalid.")
    if wanted is not None and wanted not in _STATUSES:
        raise RequestRefusedError(-1122, "Invalid symbolStatus.")
    if one is not None:
        return [_known(one, now)]
    if several is not None:
        return [_known(symbol, now) for symbol in _symbol_array(several)]
    known = [coin for coin in COINS if is_known(coin.symbol, now)]
    return [coin for coin in known if wanted is None or status(coin.symbol, now) == wanted]


def _symbol_array(text: str) -> list[str]:
    try:
        symbols = json.loads(text)
    except ValueError as error:
        raise RequestRefusedError(-1135, "Invalid JSON Request") from error
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise RequestRefusedError(-1135, "Invalid JSON Request")
    if len(set(symbols)) < len(symbols):
        raise RequestRefusedError(-1151, "Symbol is present multiple times in the list.")
    return symbols


def _known(symbol: str, now: datetime) -> SimulatedCoin:
    if not is_known(legal_symbol(symbol), now):
        raise RequestRefusedError(-1121, "Invalid symbol.")
    return COINS[POSITION[symbol]]


def _describe(coin: SimulatedCoin, now: datetime) -> Json:
    return {
        "symbol": coin.symbol,
        "status": status(coin.symbol, now),
        "baseAsset": coin.base_asset,
        "baseAssetPrecision": 8,
        "quoteAsset": coin.quote_asset,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": coin.quote_asset == "USDT",
        "filters": _filters(coin),
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"] if coin.quote_asset == "USDT" else ["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
    }


def _filters(coin: SimulatedCoin) -> Json:
    lot, tick = printed(coin.lot), printed(coin.tick)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": printed(10**6 * UNITS), "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": printed(9 * 10**6 * UNITS), "stepSize": lot},
        {
            "filterType": "NOTIONAL",
            "minNotional": printed(5 * UNITS) if coin.quote_asset == "USDT" else printed(UNITS // 100),
            "applyMinToMarket": True,
            "maxNotional": printed(9 * 10**6 * UNITS),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
    ]
