"""Faults of checksum files (exchange-protocols §1.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from klineforge.simulator.faults.kinds import Asked, archive_fault

_FORMS: Mapping[str, Callable[[str, str], str]] = {
    "newline": lambda digest, name: f"{digest}  {name}\n",
    "crlf": lambda digest, name: f"{digest}  {name}\r\n",
    "upper": lambda digest, name: f"{digest.upper()}  {name}",
    "star": lambda digest, name: f"{digest} *{name}",
    "path": lambda digest, name: f"{digest}  ./somewhere/{name}",
    "other-name": lambda digest, name: f"{digest}  OTHER-{name}",
    "no-name": lambda digest, _: digest,
    "short": lambda digest, name: f"{digest[:40]}  {name}",
    "html": lambda _digest, _name: "<html><body>Sorry</body></html>",
    "empty": lambda _digest, _name: "",
}


@archive_fault("checksum")
def checksum_form(line: bytes, _asked: Asked, *, form: str = "newline") -> bytes:
    """Write it as newline, crlf, upper, star, path, other-name, no-name, short, html or empty."""
    digest, _, name = line.decode().partition("  ")
    return _FORMS.get(form, _FORMS["empty"])(digest, name).encode()


@archive_fault("checksum")
def checksum_stale(line: bytes, _asked: Asked) -> bytes:
    """Give the digest of a former edition of the file; the file itself is good."""
    return hashlib.sha256(line).hexdigest().encode() + line[64:]
