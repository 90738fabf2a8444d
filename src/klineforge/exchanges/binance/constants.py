"""Facts about Binance's public interfaces, with the section of the exchange's own documents they come from."""

from __future__ import annotations

EXCHANGE = "binance"
INTERVAL = "1h"

# binance-public-data README: data/spot/<monthly|daily>/klines/<SYMBOL>/<interval>/<SYMBOL>-<interval>-<period>.zip
ARCHIVE_FOLDER = "data/spot"
CHECKSUM_SUFFIX = ".CHECKSUM"

DAY_INTERVAL = "1d"
KLINES_PATH = "/api/v3/klines"
TIME_PATH = "/api/v3/time"
EXCHANGE_INFO_PATH = "/api/v3/exchangeInfo"

# §2.3, "weight" of each endpoint; klines cost 1 before 2023-08-25.
KLINES_WEIGHT = 2
EXCHANGE_INFO_WEIGHT = 20
TIME_WEIGHT = 1

# §2.1: taken for one account. Whether data-api.binance.vision counts on it is not documented: it is believed by itself.
SHARED_ACCOUNT_HOSTS = frozenset(f"{name}.binance.com" for name in ("api", "api-gcp", "api1", "api2", "api3", "api4"))

# The server caps larger values silently, which would look like the end of the data.
MAX_ROWS_PER_PAGE = 1000

UNKNOWN_SYMBOL = -1121
TOO_MANY_REQUESTS = -1003
# Backend trouble that passes: UNKNOWN, DISCONNECTED, UNEXPECTED_RESP, TIMEOUT, SERVER_BUSY.
RETRYABLE_CODES = frozenset({-1000, -1001, -1006, -1007, -1008})

# An hourly month is about 110 kB unpacked; anything near these limits is not a kline file.
MAX_ARCHIVE_BYTES = 32 * 1024 * 1024
MAX_CSV_BYTES = 64 * 1024 * 1024
MAX_PAGE_BYTES = 4 * 1024 * 1024
# The complete listing was about 15 MB in 2026.
MAX_LISTING_BYTES = 64 * 1024 * 1024

REFUSED_ADVICE = (
    "this host does not serve your location or network; use --params rest_url=https://data-api.binance.vision, or "
    "rest_url=off to ingest from the archive alone"
)
