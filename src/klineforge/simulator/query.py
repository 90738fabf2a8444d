"""Query strings of the REST interface: read, counted and refused as Binance does (exchange-protocols §2.4)."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import parse_qsl

from klineforge.simulator.replies import RequestRefusedError

SYMBOL_RANGE = "^[A-Z0-9-_.]{1,20}$"
NUMBER_RANGE = "^[0-9]{1,20}$"

_SYMBOL = re.compile(r"[A-Z0-9\-_.]{1,20}")
_NUMBER = re.compile(r"[0-9]{1,20}")


class Query:
    """The parameters of one request.

    Args:
        text: Query string without the question mark.
        known: Every parameter the endpoint reads.

    Raises:
        RequestRefusedError: A parameter is repeated (-1101), unknown (-1104) or empty (-1105).
    """

    def __init__(self, text: str, known: frozenset[str]) -> None:
        pairs = parse_qsl(text, keep_blank_values=True)
        counts = Counter(name for name, _ in pairs)
        if any(count > 1 for count in counts.values()):
            raise RequestRefusedError(-1101, "Too many parameters; expected '1' and received '2'.")
        if unread := counts.keys() - known:
            read = len(counts) - len(unread)
            raise RequestRefusedError(
                -1104,
                f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{len(counts)}'.",
            )
        self._values = dict(pairs)

    def optional(self, name: str) -> str | None:
        """The value of a parameter that may be absent, but not empty."""
        value = self._values.get(name)
        if value == "":
            raise RequestRefusedError(-1105, f"Parameter '{name}' was empty.")
        return value

    def mandatory(self, name: str) -> str:
        """The value of a parameter that must be there."""
        value = self._values.get(name)
        if not value:
            raise RequestRefusedError(
                -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
            )
        return value

    def symbol(self) -> str:
        """The mandatory ``symbol``, in legal characters."""
        return legal_symbol(self.mandatory("symbol"))

    def number(self, name: str) -> int | None:
        """A whole number of at most 20 digits; None when it was not sent."""
        value = self.optional(name)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value):
            raise _illegal(name, NUMBER_RANGE)
        return int(value)


def legal_symbol(symbol: str) -> str:
    """The symbol itself; refused when a character is outside the legal range."""
    if not _SYMBOL.fullmatch(symbol):
        raise _illegal("symbol", SYMBOL_RANGE)
    return symbol


def _illegal(name: str, legal_range: str) -> RequestRefusedError:
    return RequestRefusedError(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal_range}'."
    )
