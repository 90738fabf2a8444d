"""Bytes that nobody meant to send: mutations of what is valid, and JSON of any shape."""

from __future__ import annotations

import json

from hypothesis import settings
from hypothesis import strategies as st
from ingestion.fakes import csv_of, hours, kline

# How long one example takes says nothing on a machine that does other things too.
unhurried = settings(deadline=None)

ROWS = [kline(opened) for opened in hours("2021-01-01", "2021-01-01T05:00")]
CSV = csv_of(ROWS)
PAGE = json.dumps(ROWS).encode()
DIGEST = "0123456789abcdef" * 4
# What parsers stumble over: line ends, marks of other encodings, halves of characters, figures that are no figures.
ODDITIES = (
    b"", b"\r", b"\n", b"\r\n", b"\x00", b"\x1a", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\x80", b'"', b"'",
    b",", b";", b"\t", b" ", b"\x0b", b"\x0c", b"\xc2\xa0", b"\xe2\x80\xa8", "\uff11\uff12".encode(), "²".encode(),
    b"1e999", b"NaN",
    b"-", b"+", b"0x1F", b"1_0", b"9" * 25, b"9" * 5000, b"null", b"true", b"[", b"]", b"{", b"}", b"\\ud800",
    b"PK\x05\x06", b"PK\x01\x02", b"open_time,", b"\x1b[2J",
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, valid: bytes, most: int = 5) -> bytes:
    """A valid text after a few accidents: bits flipped, parts cut out, repeated, replaced, or the whole recoded."""
    content = bytearray(valid)
    for _ in range(draw(st.integers(1, most))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 40)))
        match draw(st.sampled_from(["flip", "cut", "end", "repeat", "odd", "random"])):
            case "flip" if start < len(content):
                content[start] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del content[start:end]
            case "end":
                del content[start:]
            case "repeat":
                content[start:start] = content[start:end]
            case "random":
                content[start:end] = draw(st.binary(max_size=12))
            case _:
                content[start:end] = draw(st.sampled_from(ODDITIES))
    encoding = draw(st.sampled_from([None, None, None, "utf-16", "utf-32", "utf-8-sig"]))
    return bytes(content) if encoding is None else content.decode("latin-1").encode(encoding)


def mutations_of(*valid: bytes) -> st.SearchStrategy[bytes]:
    """Accidents of one of these texts, or any bytes at all."""
    return st.one_of(st.binary(max_size=200), *(mutated(text) for text in valid))


# Lone surrogates and control characters included.
TEXTS = st.text(st.characters(), max_size=12)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(10**11, 10**18), st.floats(), TEXTS, st.just("9" * 30)
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=13) | st.dictionaries(TEXTS, inner, max_size=4))


def nested(depth: int) -> bytes:
    """An array in an array in an array."""
    return b"[" * depth + b"]" * depth
