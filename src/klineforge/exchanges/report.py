"""What a run of ingestion achieved, coin by coin, and whether that is all that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from klineforge.errors import IngestionIncompleteError

_SHOWN: Final = 10


@dataclass(frozen=True)
class CoinReport:
    """The result for one coin.

    Args:
        coin: Native symbol.
        hours_wanted: Closed hours asked for.
        hours_known: Hours of these that needed no download.
        files: Archive files and REST pages that brought rows.
        rows: Records landed.
        hours_without_candle: Hours the exchange turned out to have no candle for, found in this run.
        files_not_found: Archive files that do not exist (yet).
        hours_missing: Hours still missing at the end.
        failures: What went wrong and was not made good by another source, as messages.
        hours_revised: Per kind of source the hours whose candle differs from the revision before.
        files_rechecked: Archive files whose checksum was compared again with what was loaded.
        files_revised: How many of these had other bytes, or hours that they did not have before.
        rechecks_failed: Checksums or files that could not be looked at again; they are asked for again.
        history_checked_until: Until when the older archive files of the coin have been looked at, ISO; None when
            none was due or not all answered.
    """

    coin: str
    hours_wanted: int = 0
    hours_known: int = 0
    files: int = 0
    rows: int = 0
    hours_without_candle: int = 0
    files_not_found: int = 0
    hours_missing: int = 0
    failures: tuple[str, ...] = ()
    hours_revised: Mapping[str, int] = field(default_factory=dict)
    files_rechecked: int = 0
    files_revised: int = 0
    rechecks_failed: int = 0
    history_checked_until: str | None = None


@dataclass(frozen=True)
class IngestionReport:
    """The result for all coins of a run, in the order of the parameters."""

    coins: tuple[CoinReport, ...]

    @property
    def failed(self) -> tuple[CoinReport, ...]:
        """Coins for which something could not be fetched."""
        return tuple(coin for coin in self.coins if coin.failures)

    @property
    def rows(self) -> int:
        """Records landed."""
        return sum(coin.rows for coin in self.coins)

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {"coins": [{**asdict(coin), "failures": list(coin.failures)} for coin in self.coins]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> IngestionReport:
        """Read a report back from ``to_json``."""
        return cls(tuple(CoinReport(**{**coin, "failures": tuple(coin["failures"])}) for coin in document["coins"]))


def raise_if_incomplete(report: IngestionReport | Mapping[str, Any]) -> None:
    """Make a run fail that could not ingest everything, after everything else is done.

    Args:
        report: The report, or its JSON form as the catalog stores it.

    Raises:
        IngestionIncompleteError: When a coin failed; names the coins and the first reason of each.
    """
    result = report if isinstance(report, IngestionReport) else IngestionReport.from_json(report)
    failed = result.failed
    if not failed:
        return
    names = ", ".join(coin.coin for coin in failed[:_SHOWN]) + (" ..." if len(failed) > _SHOWN else "")
    lines = [
        f"{len(failed)} of {len(result.coins)} coins are incomplete: {names}",
        *_reasons(failed),
        "Everything that could be fetched was kept; run again to continue, nothing is fetched twice.",
    ]
    raise IngestionIncompleteError("\n".join(lines))


def _reasons(failed: tuple[CoinReport, ...]) -> list[str]:
    """The first failure of each coin; coins that failed for the same reason share it."""
    first: dict[str, CoinReport] = {}
    for coin in failed:
        message = coin.failures[0]
        first.setdefault(message.split("\n", 1)[0].replace(coin.coin, "*"), coin)
    shown = [f"- {coin.failures[0]}" for coin in list(first.values())[:_SHOWN]]
    return shown + (
        [f"- and {len(first) - _SHOWN} other reasons, see the ingestion report"] if len(first) > _SHOWN else []
    )
