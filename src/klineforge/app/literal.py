"""Text that is shown as it is."""

from __future__ import annotations

import re

_MARKS = re.compile(r"([\\`*_\[\](){}<>#!|$:~])")


def literally(text: str) -> str:
    r"""Write text so that Streamlit's Markdown shows it as it is: links, pictures, colours and formulas included.

    Args:
        text: From a link, a lake or an error.

    Examples:
        >>> print(literally("see [here](https://example.org) :red[now]"))
        see \[here\]\(https\://example.org\) \:red\[now\]
    """
    return _MARKS.sub(r"\\\1", text)
