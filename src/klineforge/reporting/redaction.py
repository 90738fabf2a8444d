"""What must not be written down: users, passwords, keys and tokens in texts and parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "***"

_USER_AND_PASSWORD = re.compile(r"//[^/@\s]*@")
_TELLING = r"(?:api[_-]?key|access[_-]?key|auth|credential|passw|pwd|secret|sig(?:nature)?(?![a-z])|token)"
_IN_A_QUERY = re.compile(rf"([?&;][^=&\s]*{_TELLING}[^=&\s]*=)[^&\s'\"]+", re.IGNORECASE)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_SECRET_NAME = re.compile(_TELLING, re.IGNORECASE)


def redacted(value: Any) -> Any:
    """A value without the credentials that a URL in it, or a parameter's name, gives away.

    Args:
        value: Text, or dictionaries and lists of texts; anything else comes back as it is.

    >>> redacted({"url": "https://me:pw@host/x?token=abc&page=2", "api_key": "k", "hours": 24})
    {'url': 'https://***@host/x?token=***&page=2', 'api_key': '***', 'hours': 24}
    """
    if isinstance(value, Mapping):
        return {name: HIDDEN if _is_secret(name, part) else redacted(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(part) for part in value]
    return _without_credentials(value) if isinstance(value, str) else value


def _is_secret(name: object, value: Any) -> bool:
    return isinstance(name, str) and _SECRET_NAME.search(name) is not None and value not in (None, "", False, True)


def _without_credentials(text: str) -> str:
    text = _USER_AND_PASSWORD.sub(f"//{HIDDEN}@", text)
    return _BEARER.sub(rf"\1 {HIDDEN}", _IN_A_QUERY.sub(rf"\1{HIDDEN}", text))
