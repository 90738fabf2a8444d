"""Hours for which REST gave no candle: when that is believed, and what is said when it is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from klineforge.errors import ExchangeError, MalformedPayloadError
from klineforge.exchanges.binance.constants import EXCHANGE
from klineforge.exchanges.binance.epochs import open_micros, to_micros
from klineforge.exchanges.binance.rest import KlinePage, RestClient
from klineforge.exchanges.coverage import SourceRecord
from klineforge.exchanges.outcome import Download


def with_proof(
    rest: RestClient, downloads: Sequence[Download], pages: Iterable[KlinePage], *, trading: bool
) -> tuple[tuple[Download, ...], ExchangeError | None]:
    """Leave out stretches without a candle that may only be trouble of the exchange.

    An empty answer alone proves nothing and would be believed for ever. It is believed where the exchange shows a later
    candle: in the pages themselves, or when asked for the next one. Without any later candle the coin must have left
    the listing, and an earlier one must be there.

    Args:
        rest: Who to ask.
        downloads: What the pages of one task brought.
        pages: These pages.
        trading: Whether the listing says that the coin is traded now.

    Returns:
        The downloads that can be relied on, and what is wrong with the others; None when there are none.

    Raises:
        ExchangeError: When the exchange cannot be asked.
    """
    newest = max((page.newest_micros for page in pages if page.records.num_rows), default=0)
    doubted = [
        download
        for download in downloads
        if download.unit.record.status == "empty"
        and newest < to_micros(download.unit.record.span.end)
        and not _has_no_candle(rest, download.unit.record, trading=trading)
    ]
    believed = tuple(download for download in downloads if download not in doubted)
    return believed, _without_proof(doubted[0].unit.record) if doubted else None


def _has_no_candle(rest: RestClient, record: SourceRecord, *, trading: bool) -> bool:
    later = open_micros(rest.candle_from(record.coin, record.span.start).records)
    if len(later):
        return int(later[0]) >= to_micros(record.span.end)
    return not trading and rest.candle_before(record.coin, record.span.start).records.num_rows > 0


def _without_proof(record: SourceRecord) -> ExchangeError:
    return MalformedPayloadError(
        "the exchange gave no candle for these hours, and none of its other answers confirms that there is none",
        exchange=EXCHANGE,
        coin=record.coin,
        time_range=str(record.span),
        url=record.source_uri,
        advice="run again later; the hours are asked for until they come or their absence is certain",
    )
