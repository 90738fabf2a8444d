"""What a report is about, as the parameters ``report.*`` say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from klineforge.errors import ConfigurationError
from klineforge.serving.catalogue import Catalogue
from klineforge.serving.selection import INTERVALS, PRESETS, Selection, offered_as, read_selection

THEMES: Final = ("dark", "light")
_WORDS: Final = ("exchange", "coin", "range", "start", "end", "interval")
_KNOWN: Final = frozenset({*_WORDS, "coins", "theme", "folder"})


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What was asked for, not yet held against a lake.

    Args:
        asked: Parameters as those of a page's URL: ``exchange``, ``coins``, ``coin``, ``range``, ``start``, ``end``,
            ``interval``; those that are missing have the dashboard's default.
        theme: Colours.
    """

    asked: Mapping[str, str]
    theme: Literal["dark", "light"] = "dark"

    def selection(self, catalogue: Catalogue) -> Selection:
        """What of a lake it is about.

        Raises:
            ConfigurationError: The lake has not what was asked for, or it cannot be understood.
        """
        read = read_selection(self.asked, catalogue)
        if read.remarks:
            told = " ".join(read.remarks).replace("The link asks", "The parameters report.* ask")
            raise ConfigurationError(told.replace("The link's", "The parameter's"))
        return read.selection


def parse_report_settings(parameters: Mapping[str, Any]) -> ReportSettings:
    """Read the parameters ``report.*``.

    Args:
        parameters: By name; null and an empty list stand for the default.

    Raises:
        ConfigurationError: A name is unknown, or a value is not of its kind.
    """
    if unknown := sorted(set(parameters) - _KNOWN):
        raise ConfigurationError(
            f"the report has no parameter {', '.join(unknown)}; expected some of {', '.join(sorted(_KNOWN))}"
        )
    theme = parameters.get("theme") or "dark"
    if theme not in THEMES:
        raise ConfigurationError(f"report.theme must be dark or light, found {theme!r}")
    for name, offered in (("range", PRESETS), ("interval", INTERVALS)):
        if (value := parameters.get(name)) is not None and offered_as(str(value), offered) is None:
            raise ConfigurationError(f"report.{name} must be one of {', '.join(offered)}, found {value!r}")
    asked = {name: str(parameters[name]) for name in _WORDS if parameters.get(name) is not None}
    if asked.keys() & {"start", "end"}:
        asked.pop("range", None)
    if coins := _coins(parameters.get("coins")):
        asked["coins"] = ",".join(coins)
    return ReportSettings(asked, cast("Literal['dark', 'light']", theme))


def _coins(value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.replace(",", " ").split()
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return value
    raise ConfigurationError(f"report.coins must be a list of names or names separated by spaces, found {value!r}")
