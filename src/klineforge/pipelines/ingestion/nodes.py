"""The steps of ingestion."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from klineforge.domain.hours import total_hours
from klineforge.domain.parameters import IngestionParameters, parse_ingestion_parameters
from klineforge.errors import ExchangeError
from klineforge.exchanges.binance.listing import land_listing, newest_listing
from klineforge.exchanges.binance.market import BinanceMarket
from klineforge.exchanges.campaign import Campaign, Rules
from klineforge.exchanges.coverage import Coverage, RawCandle, RevisionReader, no_revisions
from klineforge.exchanges.landing import LandingZone
from klineforge.exchanges.planning import CoinState, hours_to_read_again, wanted_hours
from klineforge.exchanges.recheck import Turn, rechecks
from klineforge.exchanges.report import raise_if_incomplete
from klineforge.exchanges.units import swept_klines
from klineforge.pipelines.ingestion.progress import progress_display

logger = logging.getLogger(__name__)

TRADING = "TRADING"


@dataclass(frozen=True)
class IngestionPlan:
    """What each coin lacks when the run begins.

    Args:
        states: What is known and wanted of each coin.
        rules: What holds for every download.
        recent: Per coin the newest revision of recent candles in bronze.
        revisions: Reads what bronze holds of the hours of a file that was published anew.
    """

    states: Mapping[str, CoinState]
    rules: Rules
    recent: Mapping[str, Mapping[int, RawCandle]]
    revisions: RevisionReader = no_revisions


def check_request(parameters: Mapping[str, Any]) -> IngestionParameters:
    """Read what the user asks for.

    Raises:
        ConfigurationError: When a parameter cannot be used.
    """
    return parse_ingestion_parameters(parameters)


def snapshot_listing(
    request: IngestionParameters, market: BinanceMarket, landed: LandingZone, coverage: Coverage
) -> tuple[str, ...]:
    """Land what changed in the exchange's listing of the coins.

    Returns:
        The coins that are listed now. Empty when the listing is not available: coins can be ingested without it.
    """
    try:
        listing = market.listing(request.coins)
    except ExchangeError as error:
        logger.warning("the listing of the exchange is not available, going on without it: %s", error)
        return ()
    if listing is None:
        return ()
    changed = land_listing(landed, listing, newest_listing(coverage, landed.units()))
    listed = tuple(symbol.symbol for symbol in listing.symbols)
    unlisted = [coin for coin in request.coins if coin not in listed]
    logger.info("listing: %d of %d coins are listed now, %d changed", len(listed), len(request.coins), changed)
    if unlisted:
        logger.info("not listed any more, or never: %s", ", ".join(unlisted))
    # Hours after a halt are looked for in vain and then count as settled, so this is where a user learns of it.
    if halted := [f"{symbol.symbol} ({symbol.status})" for symbol in listing.symbols if symbol.status != TRADING]:
        logger.info("listed, but not traded now: %s", ", ".join(halted))
    return listed


def plan_downloads(
    request: IngestionParameters,
    market: BinanceMarket,
    landed: LandingZone,
    coverage: Coverage,
    listed: tuple[str, ...],  # noqa: ARG001 - the listing comes first
) -> IngestionPlan:
    """Work out which hours of which coins are missing, counting what has landed but is not in bronze yet."""
    now = market.server_now()
    wanted = wanted_hours(request, now)
    waiting = [unit.record for _, unit in swept_klines(landed)]
    known = coverage.extended(waiting)
    # What a file of these says can be compared once it is in bronze.
    too_early = {record.file_name for record in waiting}
    states = {}
    for coin in request.coins:
        again = (
            ()
            if not market.sources.rest
            else hours_to_read_again(coverage.of_coin(coin), wanted, request.look_back, now)
        )
        state = CoinState(coin, wanted, again, known.of_coin(coin))
        turn = Turn(request.recheck, coverage.history_checked.get(coin), now)
        # While REST is in use it is asked for missing hours on every run.
        gaps = () if market.sources.rest else state.missing
        reads_files = market.sources.archive_name is not None
        due = rechecks(coverage.records_of(coin), wanted, gaps, turn) if reads_files else ()
        states[coin] = replace(state, rechecks=tuple(task for task in due if task.name not in too_early))
    missing = {coin: total_hours(state.missing) for coin, state in states.items()}
    logger.info(
        "%d coins, %d hours wanted each, %d hours missing in all",
        len(states),
        total_hours(wanted),
        sum(missing.values()),
    )
    rules = Rules(now, request.grace, request.look_back, request.workers)
    return IngestionPlan(states, rules, coverage.recent, coverage.revisions)


def download_missing_klines(
    plan: IngestionPlan, market: BinanceMarket, landed: LandingZone
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Download everything that is missing, several files and coins at a time.

    Returns:
        The ids of all landed units, and the report as JSON values.

    Raises:
        ExchangeError: When nothing at all could be fetched because the exchange cannot be talked to.
        IngestionIncompleteError: When every coin failed and nothing of them is in the lake.
    """
    with progress_display(len(plan.states)) as progress:
        report = Campaign(market, landed, plan.rules, plan.recent, progress, plan.revisions).run(plan.states)
    for coin in report.failed:
        logger.error("%s", "\n".join(coin.failures))
    if len(report.failed) == len(report.coins) and not any(coin.rows or coin.hours_known for coin in report.coins):
        # Nothing to go on with: say so here, before the next layers complain that they have no input.
        raise_if_incomplete(report)
    logger.info(
        "looked at %d archive files again: %d published anew or late",
        sum(coin.files_rechecked for coin in report.coins),
        sum(coin.files_revised for coin in report.coins),
    )
    logger.info("landed %d rows of %d coins; %d coins failed", report.rows, len(report.coins), len(report.failed))
    return tuple(unit.unit_id for unit in landed.units()), report.to_json()


def remember_rechecks(report: Mapping[str, Any]) -> dict[str, str]:
    """Until when the older archive files of each coin have been looked at; coins without news are left out.

    Args:
        report: The ingestion report as JSON values.

    Returns:
        ISO instants by coin.
    """
    checked = {coin["coin"]: coin["history_checked_until"] for coin in report["coins"]}
    return {coin: until for coin, until in checked.items() if until is not None}
