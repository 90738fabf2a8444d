"""One fault as a test or a user asks for it: which kind, for which requests, how often and when."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from klineforge.errors import ConfigurationError
from klineforge.simulator.faults import checksums, files, limits, refusals, rest, rows, wire  # noqa: F401 - they register
from klineforge.simulator.faults.kinds import KINDS, Kind, Value

_OFTEN = ("times", "after")
_WHEN = ("since", "until")
ADVICE = "--fault help lists all of them"
_HOW = """\
A fault is NAME:key=value,key=value. Besides its own parameters each takes match=TEXT (part of path and query, with *
and ?), times=N (how many requests are spoilt), after=N (how many pass first), and since=TIME and until=TIME in UTC by
the exchange's clock, as in 2026-11-22T08:30."""


@dataclass(frozen=True, init=False)
class Fault:
    """A kind of fault, applied to some requests.

    Args:
        name: One of ``KINDS``.
        match: Text with ``*`` and ``?`` to be found anywhere in path and query; None takes the kind's own.
        times: How many requests are spoilt; None means all.
        after: How many matching requests pass first.
        since: Not before this time of the exchange; aware UTC.
        until: No more from this time of the exchange on; aware UTC.
        settings: The kind's own parameters.

    Raises:
        ConfigurationError: When there is no such kind or parameter, or a value is of another type.
    """

    name: str
    match: str
    times: int | None
    after: int
    since: datetime | None
    until: datetime | None
    settings: Mapping[str, Value]

    def __init__(
        self,
        name: str,
        /,
        *,
        match: str | None = None,
        times: int | None = None,
        after: int = 0,
        since: datetime | None = None,
        until: datetime | None = None,
        **settings: Value,
    ) -> None:
        kind = _kind(name)
        if unknown := sorted(settings.keys() - kind.settings.keys()):
            raise ConfigurationError(
                f"fault {name!r} has no parameter {unknown[0]!r}; it knows "
                f"{', '.join((*kind.settings, 'match', *_OFTEN, *_WHEN))}; {ADVICE}"
            )
        chosen = {key: _typed(name, key, settings.get(key, value), value) for key, value in kind.settings.items()}
        values = {
            "name": name,
            "match": kind.match if match is None else match,
            "times": times,
            "after": after,
            "since": since,
            "until": until,
            "settings": chosen,
        }
        for field, value in values.items():
            object.__setattr__(self, field, value)

    @property
    def kind(self) -> Kind:
        """What it does."""
        return KINDS[self.name]

    def concerns(self, target: str, now: datetime) -> bool:
        """Whether a request at this time may be spoilt, however often that has happened.

        Args:
            target: Path and query, percent-decoded.
            now: The exchange's clock.
        """
        timely = (self.since is None or self.since <= now) and (self.until is None or now < self.until)
        return timely and fnmatch.fnmatchcase(target, f"*{self.match}*")


def parse_fault(text: str) -> Fault:
    """Read ``NAME:key=value,...`` as it is written on a command line.

    >>> parse_fault("status:status=502,times=2").settings["status"]
    502

    Raises:
        ConfigurationError: When it cannot be read; says what was expected.
    """
    name, _, rest_of_it = text.partition(":")
    given: dict[str, str] = {}
    for part in filter(None, rest_of_it.split(",")):
        key, equals, value = part.partition("=")
        if not equals or key in given:
            raise ConfigurationError(f"expected a fault as NAME:key=value,key=value, found {text!r}; {ADVICE}")
        given[key] = value
    _kind(name)
    often = {key: _number(name, key, given.pop(key)) for key in _OFTEN if key in given}
    when = {key: _instant(name, key, given.pop(key)) for key in _WHEN if key in given}
    return Fault(name, match=given.pop("match", None), **often, **when, **given)  # type: ignore[arg-type]


def describe_kinds() -> str:
    """All kinds of faults with their parameters, as text for a terminal."""
    lines = [_HOW]
    for kind in sorted(KINDS.values(), key=lambda kind: (kind.part, kind.name)):
        settings = ",".join(f"{key}={value}" for key, value in kind.settings.items())
        lines.append(f"\n  {kind.name}{':' if settings else ''}{settings}\n      {kind.text}")
        if kind.match:
            lines[-1] += f" Matches {kind.match} unless told otherwise."
    return "\n".join(lines)


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise ConfigurationError(f"there is no fault {name!r}; there are {', '.join(sorted(KINDS))}; {ADVICE}")
    return KINDS[name]


def _typed(fault: str, key: str, value: Value, example: Value) -> Value:
    """The value in the type of the parameter's default."""
    if isinstance(value, str) and isinstance(example, bool):
        if value.lower() in {"true", "false"}:
            return value.lower() == "true"
    elif isinstance(value, str) and not isinstance(example, str):
        try:
            return type(example)(value)
        except ValueError:
            pass  # told below, with what was expected
    elif isinstance(value, type(example)) or (isinstance(example, float) and isinstance(value, int)):
        return value
    raise ConfigurationError(
        f"parameter {key!r} of fault {fault!r} must be of type {type(example).__name__} such as {example!r}, "
        f"found {value!r}"
    )


def _number(fault: str, key: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError(f"parameter {key!r} of fault {fault!r} must be a whole number, found {text!r}")
    return int(text)


def _instant(fault: str, key: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"parameter {key!r} of fault {fault!r} must be a time such as 2026-11-22T08:30 (UTC), found {text!r}"
        ) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
