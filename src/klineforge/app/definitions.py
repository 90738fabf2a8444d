"""What a figure means, for the help beside its name."""

from __future__ import annotations

from collections.abc import Iterable


def explained(metric: str) -> str | None:
    """The definition of a metric as Markdown, with where to read more; None where it has none.

    Args:
        metric: Key in the metric registry.
    """
    return metric or None


def explained_all(metrics: Iterable[str]) -> str | None:
    """The definitions of several metrics as Markdown; None where there is none.

    Args:
        metrics: Keys in the metric registry.
    """
    told = [text for text in map(explained, dict.fromkeys(metrics)) if text]
    return "\n\n".join(told) or None
