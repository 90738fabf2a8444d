"""Market Pulse: what every coin and the market as a whole are doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from klineforge.measures import market
from klineforge.serving.catalogue import Catalogue, read_catalogue
from klineforge.serving.selection import INTERVAL_NAMES, Selection
from klineforge.serving.warehouse import Warehouse
from klineforge.views import pulse_charts, states
from klineforge.views.page import Column, Kpi, Notice, Page, Section, Table, Text
from klineforge.views.pages import View
from klineforge.views.pulse_figures import TABLES, Pulse, read_pulse
from klineforge.views.theme import Theme

_DEFINITIONS: Final = (
    "**Mover signal** puts the 24-hour return into bands: weak below 3 %, strong from 10 % on. **Trending** is an "
    f"efficiency ratio over 24 hours of at least {market.TRENDING_FROM:.2f}, else **ranging**: how far the price got, "
    "divided by how far it travelled. **Correlation pressure** is the mean 24-hour correlation of a coin with all "
    "others. **Market state** is *Calm* while the market's volatility is below its median of 90 days and the mean "
    "correlation below 0.6, *Transition* when one of them is not, and when both are not *Risk-On* while the market "
    "does not fall over 24 hours, else *Risk-Off*."
)


@dataclass(frozen=True, slots=True)
class MarketPulseOptions:
    """What of the page can be chosen beside the selection: nothing."""


def draw(warehouse: Warehouse, selection: Selection, options: MarketPulseOptions, theme: Theme) -> Page:  # noqa: ARG001
    """The page.

    Args:
        warehouse: The lake.
        selection: Coins, hours and interval; figures of coins are of the newest hour of the range.
        options: None.
        theme: Colours.

    Raises:
        UnavailableError: There are no returns, or none of what was selected.
    """
    catalogue = read_catalogue(warehouse)
    pulse = read_pulse(warehouse, selection, catalogue)
    notices = tuple(Notice.of(explanation) for explanation in pulse.missing)
    return Page(
        key="market_pulse",
        title="Market Pulse",
        subtitle=_subtitle(pulse, selection),
        kpis=_kpis(pulse),
        sections=(
            *([Section("What is missing", notices)] if notices else []),
            Section("Coins", (_coins(pulse, catalogue, selection),)),
            Section("Direction", (pulse_charts.direction(pulse, selection, catalogue, theme),)),
            Section(
                "Returns and breadth",
                (
                    pulse_charts.heat_strip(pulse, selection, catalogue, theme),
                    pulse_charts.breadth(pulse, selection, theme),
                ),
            ),
            Section("What the figures mean", (Text(_DEFINITIONS),)),
        ),
    )


def _subtitle(pulse: Pulse, selection: Selection) -> str:
    coins = f"{pulse.coins.height} coins" if pulse.coins.height != 1 else pulse.coins["coin"][0]
    absent = f"; without a candle then: {', '.join(pulse.absent[:8])}" if pulse.absent else ""
    more = f" and {len(pulse.absent) - 8} more" if len(pulse.absent) > 8 else ""
    return f"{selection.exchange}, {coins}, figures of {pulse.at:%Y-%m-%d %H:%M} UTC{absent}{more}"


def _kpis(pulse: Pulse) -> tuple[Kpi, ...]:
    mean_return, correlation, state = pulse.mean_return_24h, pulse.correlation, pulse.state
    risen = int((pulse.coins["return_24h"] > 0).sum())
    known = pulse.coins["return_24h"].drop_nulls().len()
    volatile = pulse.percentile is not None and pulse.percentile >= market.CALM_PERCENTILE
    close = correlation is not None and correlation >= market.CLOSE_CORRELATION
    percentile = "no history" if pulse.percentile is None else f"percentile {pulse.percentile:.0%} of 90 days"
    return (
        Kpi(
            "mean_return_24h",
            "Avg 24h return",
            mean_return,
            "signed_percent",
            "neutral" if mean_return is None else "good" if mean_return >= 0 else "bad",
            f"{risen} of {known} coins rose",
        ),
        Kpi(
            "mean_volatility",
            "Avg volatility",
            pulse.mean_volatility,
            "percent",
            "warn" if volatile else "good",
            f"per hour; {percentile}",
        ),
        Kpi(
            "mean_correlation",
            "Avg correlation",
            correlation,
            "correlation",
            "warn" if close else "good",
            "24 hours, all pairs of these coins",
        ),
        Kpi(
            "market_state",
            "Market state",
            state,
            "text",
            states.STATE_TONES.get(state or "", "muted"),
            "volatility and correlation",
        ),
    )


def _coins(pulse: Pulse, catalogue: Catalogue, selection: Selection) -> Table:
    frame = pulse.coins.with_columns(
        states.tones(pl.col("mover_signal"), states.SIGNAL_TONES).alias("signal_tone"),
        states.tones(pl.col("volatility_regime"), states.REGIME_TONES).alias("regime_tone"),
        states.tones(pl.col("trend"), states.TREND_TONES).alias("trend_tone"),
        states.signs(pl.col("return_24h")).alias("return_tone"),
        states.signs(pl.col("interval_return")).alias("interval_tone"),
        pl.col("coin").replace(dict(catalogue.labels)).alias("name"),
    )
    highest = max(2.0, float(pulse.coins["volume_ratio_30d"].max() or 0.0))  # type: ignore[arg-type]  # any literal
    name = INTERVAL_NAMES[selection.interval]
    return Table(
        key="coins",
        title="Top movers",
        frame=frame,
        drill="coin",
        columns=(
            Column("name", "Coin"),
            Column("spark", "48 hours", "spark"),
            Column("close_price", "Last price", "price", "close_price"),
            Column("return_24h", "24h return", "signed_percent", "return_24h", tone="return_tone"),
            Column("mover_signal", "Mover signal", "text", "mover_signal_band", tone="signal_tone"),
            Column("interval_return", f"Return {name}", "signed_percent", "interval_return", tone="interval_tone"),
            Column("volume_spike_ratio", "Volume spike", "ratio", "volume_spike_ratio"),
            Column("volume_ratio_30d", "24h volume / 30 d", "ratio", "volume_ratio_30d", bar=highest),
            Column("volume_pressure", "Avg volume pressure", "ratio", "volume_pressure"),
            Column("volatility_regime", "Volatility regime", "text", "volatility_regime", tone="regime_tone"),
            Column("trend", "State", "text", "trend_state", tone="trend_tone"),
            Column("efficiency_ratio_24h", "Efficiency", "ratio", "efficiency_ratio_24h"),
            Column("correlation_pressure", "Correlation pressure", "correlation", "correlation_pressure"),
            Column("mover_rank", "Mover rank", "integer", "mover_rank"),
        ),
        note="Choose a row to open the coin's own page.",
    )


MARKET_PULSE: Final = View(
    key="market_pulse",
    title="Market Pulse",
    purpose="What every coin and the market as a whole are doing now, or were doing at the end of a range.",
    tables=TABLES,
    options=MarketPulseOptions,
    draw=draw,
)
