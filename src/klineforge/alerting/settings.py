"""What a user may ask of alerts, checked before anything is read or sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from klineforge.contracts.operations import ALERT_SEVERITIES
from klineforge.errors import ConfigurationError

OFF: Final = "off"
_NO_COINS: Final[Mapping[str, Threshold | None]] = MappingProxyType({})


@dataclass(frozen=True)
class Threshold:
    """When a rule fires. Not every rule reads every setting; docs/alerts.md has the list.

    Args:
        above: Fires at or above this value.
        rearm: Armed again below this value.
        cool_down_hours: Silence after an event.
        steps: Drawdowns that fire, as fractions; each is armed again below ``rearm`` times itself.
        ranks: Only the strongest movers of an hour count, so many of them.
        change: By how much a correlation has to move within an hour to count as broken down.
    """

    above: float = 0.0
    rearm: float = 0.0
    cool_down_hours: int = 0
    steps: tuple[float, ...] = ()
    ranks: int = 0
    change: float = 0.0


@dataclass(frozen=True)
class Rule:
    """One rule that is switched on.

    Args:
        name: Its name.
        severity: How much its events matter.
        threshold: When it fires.
        by_coin: Thresholds of single coins; None switches the rule off for the coin.
    """

    name: str
    severity: str
    threshold: Threshold
    by_coin: Mapping[str, Threshold | None] = field(default_factory=lambda: _NO_COINS)

    def threshold_of(self, coin: str) -> Threshold | None:
        """When the rule fires for a coin; None where it never does."""
        return self.by_coin.get(coin, self.threshold)


@dataclass(frozen=True)
class Route:
    """Which alerts a channel is for.

    Args:
        severities: Severities it takes.
        rules: Rules it takes.
    """

    severities: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class AlertSettings:
    """Everything that alerts need to know, all values valid.

    Args:
        rules: Those switched on, by name.
        judge_hours: A normal run looks for events within so many hours of the newest candle of an exchange.
        digest_above: More than so many alerts of one rule are delivered as one message.
        routes: Which alerts a channel takes, by its name; a channel without a route takes all.
    """

    rules: Mapping[str, Rule]
    judge_hours: int = 48
    digest_above: int = 5
    routes: Mapping[str, Route] = field(default_factory=dict)

    @property
    def judged(self) -> timedelta:
        """How far back of the newest candle events are looked for."""
        return timedelta(hours=self.judge_hours)

    def channels_for(self, rule: str, severity: str, channels: tuple[str, ...]) -> list[str]:
        """The channels, of those there are, that take an alert."""

        def takes(channel: str) -> bool:
            route = self.routes.get(channel)
            return route is None or (severity in route.severities and rule in route.rules)

        return [channel for channel in channels if takes(channel)]


Reader = Callable[[object], Any]


def _number(least: float, most: float) -> Reader:
    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ValueError(f"a number from {least:g} to {most:g}")
        return float(value)

    return read


def _whole(least: int, most: int) -> Reader:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return value

    return read


def _steps(value: object) -> tuple[float, ...]:
    steps = value if isinstance(value, list | tuple) else []
    if not steps or any(isinstance(step, bool) or not isinstance(step, int | float) for step in steps):
        raise ValueError("a list of fractions such as [0.1, 0.2, 0.5]")
    if any(not 0 < step < 1 for step in steps) or list(steps) != sorted(set(steps)):
        raise ValueError("fractions between 0 and 1 in rising order, such as [0.1, 0.2, 0.5]")
    return tuple(float(step) for step in steps)


def _severity(value: object) -> str:
    if value not in ALERT_SEVERITIES:
        raise ValueError(f"one of the words {', '.join(ALERT_SEVERITIES)}")
    return str(value)


_COOL_DOWN = _whole(0, 24 * 28)
_LARGE = 1e9
# Per rule its settings: what it is where nothing is said, and how it is read.
SETTINGS: Final[dict[str, dict[str, tuple[Any, Reader]]]] = {
    "volume_spike": {
        "severity": ("info", _severity),
        "above": (8.0, _number(1, 24)),
        "rearm": (3.0, _number(0, 24)),
        "cool_down_hours": (24, _COOL_DOWN),
    },
    "volatility_regime": {
        "severity": ("info", _severity),
        "above": (0.02, _number(0, _LARGE)),
        "cool_down_hours": (24, _COOL_DOWN),
    },
    "correlation_breakdown": {
        "severity": ("warning", _severity),
        "above": (10.0, _number(1, _LARGE)),
        "rearm": (1.0, _number(1, _LARGE)),
        "change": (0.5, _number(0.5, 2)),
        "cool_down_hours": (24, _COOL_DOWN),
    },
    "drawdown": {
        "severity": ("warning", _severity),
        "steps": ((0.1, 0.2, 0.5), _steps),
        "rearm": (0.5, _number(0, 1)),
        "cool_down_hours": (24, _COOL_DOWN),
    },
    "top_mover": {
        "severity": ("info", _severity),
        "above": (0.3, _number(0, _LARGE)),
        "rearm": (0.05, _number(0, _LARGE)),
        "ranks": (3, _whole(1, 1_000_000)),
        "cool_down_hours": (24, _COOL_DOWN),
    },
    "freshness": {
        "severity": ("error", _severity),
        "above": (3.0, _number(1, _LARGE)),
        "cool_down_hours": (6, _COOL_DOWN),
    },
    "unexplained_gap": {"severity": ("warning", _severity), "above": (1.0, _number(1, _LARGE))},
    "quality_failure": {"severity": ("error", _severity), "cool_down_hours": (6, _COOL_DOWN)},
    "failed_run": {"severity": ("error", _severity), "cool_down_hours": (1, _COOL_DOWN)},
}
PER_COIN: Final = ("volume_spike", "volatility_regime", "drawdown", "top_mover", "freshness", "unexplained_gap")


def parse_alert_settings(parameters: object, channels: tuple[str, ...]) -> AlertSettings:
    """Read the parameter ``alerts`` as Kedro hands it over.

    Args:
        parameters: Mapping with ``judge_hours``, ``digest_above``, ``rules`` (by name: settings or the word off),
            ``coins`` (by coin: rules) and ``routes`` (by channel: ``severities`` and ``rules``). What is not said
            is as in conf/base/parameters.yml; null stands for nothing said.
        channels: Names of the channels there are.

    Raises:
        ConfigurationError: When something in it is not known or cannot be used; says what was expected.
    """
    asked = _mapping(parameters, "alerts", ("judge_hours", "digest_above", "rules", "coins", "routes"))
    rules = _mapping(asked.get("rules"), "alerts.rules", tuple(SETTINGS))
    coins = _mapping(asked.get("coins"), "alerts.coins")
    said = {str(coin).upper(): _mapping(of_coin, f"alerts.coins.{coin}", PER_COIN) for coin, of_coin in coins.items()}
    on = {name: _rule(name, rules.get(name), said) for name in SETTINGS if not _is_off(rules.get(name))}
    return AlertSettings(
        rules=on,
        judge_hours=_read(_whole(1, 24 * 28), asked.get("judge_hours", 48), "alerts.judge_hours"),
        digest_above=_read(_whole(1, 1_000), asked.get("digest_above", 5), "alerts.digest_above"),
        routes=_routes(asked.get("routes"), channels),
    )


def _rule(name: str, asked: object, coins: Mapping[str, Mapping[str, Any]]) -> Rule:
    where = f"alerts.rules.{name}"
    general = _mapping(asked, where, tuple(SETTINGS[name]))
    by_coin: dict[str, Threshold | None] = {}
    for coin, of_coin in coins.items():
        if name in of_coin:
            place = f"alerts.coins.{coin}.{name}"
            known = tuple(key for key in SETTINGS[name] if key not in {"severity", "ranks"})
            own = None if _is_off(of_coin[name]) else _mapping(of_coin[name], place, known)
            by_coin[coin] = None if own is None else _threshold(name, {**general, **own}, place)[1]
    severity, threshold = _threshold(name, general, where)
    return Rule(name, severity, threshold, by_coin)


def _threshold(name: str, asked: Mapping[str, Any], where: str) -> tuple[str, Threshold]:
    values = {
        key: _read(reader, asked.get(key, default), f"{where}.{key}")
        for key, (default, reader) in SETTINGS[name].items()
    }
    severity = values.pop("severity")
    threshold = Threshold(**values)
    if "above" in values and threshold.rearm > threshold.above:
        raise ConfigurationError(
            f"parameter '{where}.rearm' must not lie above '{where}.above', found rearm={threshold.rearm:g} "
            f"above={threshold.above:g}; a rule is armed again once its value has fallen"
        )
    return severity, threshold


def _routes(asked: object, channels: tuple[str, ...]) -> dict[str, Route]:
    routes = {}
    for channel, wanted in _mapping(asked, "alerts.routes", channels).items():
        where = f"alerts.routes.{channel}"
        route = _mapping(wanted, where, ("severities", "rules"))
        routes[channel] = Route(
            severities=_some_of(route.get("severities"), ALERT_SEVERITIES, f"{where}.severities"),
            rules=_some_of(route.get("rules"), tuple(SETTINGS), f"{where}.rules"),
        )
    return routes


def _some_of(asked: object, known: tuple[str, ...], where: str) -> tuple[str, ...]:
    if asked is None:
        return known
    chosen = [asked] if isinstance(asked, str) else asked
    if not isinstance(chosen, list | tuple) or not set(chosen) <= set(known):
        raise ConfigurationError(f"parameter '{where}' must be a list of {', '.join(known)}, found {asked!r}")
    return tuple(str(one) for one in chosen)


def _mapping(value: object, where: str, known: tuple[str, ...] | None = None) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"parameter '{where}' must be a mapping, found {value!r}; see conf/base/parameters.yml and docs/alerts.md"
        )
    unknown = [str(key) for key in value if known is not None and key not in known]
    if unknown:
        raise ConfigurationError(
            f"parameter '{where}' knows nothing called {', '.join(unknown)}; expected {', '.join(known or ())}"
        )
    return value


def _read(reader: Reader, value: object, where: str) -> Any:
    try:
        return reader(value)
    except ValueError as expected:
        raise ConfigurationError(f"parameter '{where}' must be {expected}, found {value!r}") from expected


def _is_off(value: object) -> bool:
    # YAML reads a bare off as False.
    return value is False or (isinstance(value, str) and value.strip().lower() == OFF)
