"""Definitions that fail when they are told to, and what a run of theirs has shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Trouble:
    """Fails what it is told to, so many times.

    Args:
        saves: How often saving a table still fails, by its name.
        nodes: How often a node still fails, by its name.
    """

    saves: dict[str, int] = field(default_factory=dict)
    nodes: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def strike(of: dict[str, int], name: str) -> None:
        if of.get(name, 0) > 0:
            of[name] -= 1
            raise OSError(f"{name}: no space left on device, for a test")


def built(parameters: dict[str, Any], delay: float = 0.2) -> Any:
    """Definitions of the demo, with retries after fractions of a second."""
    import dagster as dg

    from klineforge.orchestration.building import build
    from klineforge.orchestration.session import Project

    retries = dg.RetryPolicy(max_retries=2, delay=delay, backoff=dg.Backoff.EXPONENTIAL)
    return build(Project(ROOT, "demo", parameters), retries)


def events(result: Any, kind: str, step: str | None = None) -> list[Any]:
    """Events of one kind, in order."""
    found = [event for event in result.all_events if event.event_type_value == kind]
    return [event for event in found if step is None or event.step_key == step]


def materialized(result: Any) -> list[str]:
    """Names of assets in the order in which they were shown as made."""
    return [event.asset_key.to_user_string() for event in events(result, "ASSET_MATERIALIZATION")]
