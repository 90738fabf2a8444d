"""What a reader should know before believing a figure: how old it is, whether it is invented, what the checks found."""

from __future__ import annotations

import streamlit as st

from klineforge.app.literal import literally
from klineforge.serving.explanation import Explanation
from klineforge.serving.state import LATE_AFTER, LakeState

_SHOWN = 5


def show_badge(state: LakeState) -> None:
    """How fresh the data are, in a few words.

    Args:
        state: Of the lake.
    """
    behind = state.hours_behind
    if state.newest is None or behind is None:
        st.badge("No data", icon=":material/error:", color="red")
    elif state.is_late:
        told = f"Late: newest hour {state.newest:%Y-%m-%d %H:%M} UTC, {behind:,} h behind"
        st.badge(told, icon=":material/schedule:", color="orange")
    else:
        st.badge(f"Fresh: newest hour {state.newest:%Y-%m-%d %H:%M} UTC", icon=":material/check:", color="green")


def show_banners(state: LakeState) -> None:
    """Warnings above a page.

    Args:
        state: Of the lake.
    """
    if state.is_simulated:
        st.info(
            "**Simulated market.** An exchange inside this project made every price. Nothing here is real.",
            icon=":material/science:",
        )
    if state.is_late:
        st.warning(
            f"**The data are late.** The newest hour is {state.newest:%Y-%m-%d %H:%M} UTC, {state.hours_behind:,} "
            f"closed hours are missing; up to {LATE_AFTER} are usual. What to do: `kedro run`, or "
            "`kedro klineforge follow` to keep up.",
            icon=":material/schedule:",
        )
    if state.errors and state.verdict is not None:
        broken = [rule for rule in state.verdict.broken if rule.is_error]
        listed = "; ".join(f"`{rule.table}`: {rule.rule}, {rule.failed:,} rows" for rule in broken[:_SHOWN])
        more = f"; and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        st.error(
            f"**Figures may be wrong.** The checks of {state.verdict.checked_at:%Y-%m-%d %H:%M} UTC found "
            f"{state.errors} broken rules: {listed}{more}. What to do: `kedro run --pipeline quality` says how to "
            "mend them.",
            icon=":material/gpp_maybe:",
        )


def show_explanation(explanation: Explanation) -> None:
    """In place of a page that cannot be shown.

    Args:
        explanation: What happened, why, and what to do.
    """
    show = st.error if explanation.reason == "damaged" else st.warning
    show(
        f"**{literally(explanation.what)}**\n\n{literally(explanation.why)}\n\n**What to do:** {explanation.advice}",
        icon=":material/database_off:",
    )
    st.caption("This page looks again by itself every half minute.")
