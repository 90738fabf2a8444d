"""Why something cannot be shown, in words for whoever looks at a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from klineforge.errors import KlineForgeError

Reason = Literal["no_lake", "absent", "empty", "damaged", "outdated", "behind", "nothing_selected"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a page shows in place of figures it cannot give.

    Args:
        reason: ``no_lake`` there is no such folder; ``absent`` the table was never made; ``empty`` it has no rows;
            ``damaged`` it cannot be read; ``outdated`` another version wrote it and columns are missing; ``behind`` it
            ends before the tables it is shown with;
            ``nothing_selected`` the lake is sound, but holds no row of what was asked for.
        what: What happened, one sentence.
        why: What that usually comes from, one sentence.
        advice: What to do.
        table: The table concerned.
    """

    reason: Reason
    what: str
    why: str
    advice: str
    table: str | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.why} What to do: {self.advice}"


class UnavailableError(KlineForgeError):
    """What was asked for cannot be shown.

    Args:
        explanation: Why, and what to do.
    """

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation
        super().__init__(str(explanation))


def no_lake(lake: str) -> Explanation:
    """There is no folder of that name.

    Args:
        lake: Root of the lake.
    """
    return Explanation(
        "no_lake",
        f"There is no lake at {lake}.",
        "Nothing was ingested there yet, or the folder was moved while it was being read.",
        "make demo builds a lake of simulated candles, kedro run one of real ones; --lake names another folder.",
    )


def absent(table: str) -> Explanation:
    """A table that was never made."""
    return Explanation(
        "absent",
        f"The table {table} has not been made yet.",
        "No run has reached it, or it was removed.",
        "kedro run makes every table that is missing; this page follows by itself.",
        table,
    )


def empty(table: str) -> Explanation:
    """A table without rows."""
    return Explanation(
        "empty",
        f"The table {table} has no rows.",
        "Nothing was ingested yet, or every candle was refused.",
        "kedro klineforge status shows what was ingested and what is in quarantine.",
        table,
    )


def damaged(table: str, problem: str) -> Explanation:
    """A table whose log or files cannot be read.

    Args:
        table: Its name.
        problem: What is wrong with it.
    """
    return Explanation(
        "damaged",
        f"The table {table} cannot be read: {problem}.",
        "A power failure, a full disk, or a copy of half a lake leaves that.",
        "kedro klineforge repair --dry-run tells what can be mended, without --dry-run it does so (docs/repair.md).",
        table,
    )


def outdated(table: str, columns: tuple[str, ...]) -> Explanation:
    """A table that lacks columns this version reads."""
    return Explanation(
        "outdated",
        f"The table {table} lacks the columns {', '.join(columns)}.",
        "Another version of KlineForge wrote it.",
        f"kedro klineforge rebuild {table} makes it anew.",
        table,
    )


def behind(table: str, newest: datetime, shown: datetime) -> Explanation:
    """A table that ends before the hour that is shown.

    Args:
        table: Its name.
        newest: Its newest hour, UTC.
        shown: The hour figures are wanted of, UTC.
    """
    return Explanation(
        "behind",
        f"The table {table} ends at {newest:%Y-%m-%d %H:%M} UTC, before {shown:%Y-%m-%d %H:%M}; its figures are left "
        "out.",
        "A run is at work, or one has ended before it came to this table.",
        "kedro klineforge runs shows the last runs; kedro run brings every table up to date.",
        table,
    )


def nothing_selected(table: str, asked: str) -> Explanation:
    """No row of what was asked for.

    Args:
        table: Where it was looked for.
        asked: Coins and hours in words.
    """
    return Explanation(
        "nothing_selected",
        f"There is nothing to show for {asked}.",
        "The coin was not listed then, or its candles are missing.",
        "Choose a longer range of dates or another coin.",
        table,
    )
