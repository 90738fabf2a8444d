"""Zips that must not be trusted."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingestion.fakes import zipped

from klineforge.errors import MalformedPayloadError
from klineforge.exchanges.binance.unpack import unpack_csv

NAME = "BTCUSDT-1h-2021-01.zip"
MEMBER = "BTCUSDT-1h-2021-01.csv"
CSV = b"1609459200000,1,1,1,1,1,1609462799999,1,1,1,1,0\n" * 20


def zip_of(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, CSV)
    return buffer.getvalue()


def test_unpack_gives_the_one_member() -> None:
    assert unpack_csv(zipped(MEMBER, CSV), NAME) == CSV


@pytest.mark.parametrize(
    "names",
    [(), (MEMBER, "other.csv"), (MEMBER.lower(),), ("../" + MEMBER,), ("/" + MEMBER,), ("folder/",), (MEMBER + "/",)],
    ids=["nothing", "two", "other name", "parent folder", "root", "folder", "folder of that name"],
)
def test_unpack_of_anything_but_the_one_member_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(MalformedPayloadError, match=f"expected exactly one member '{MEMBER}' in the zip, found"):
        unpack_csv(zip_of(*names), NAME)


def test_unpack_of_a_damaged_member_is_refused() -> None:
    content = bytearray(zipped(MEMBER, CSV))
    content[len(MEMBER) + 40] ^= 0xFF

    with pytest.raises(MalformedPayloadError, match="the zip cannot be read"):
        unpack_csv(bytes(content), NAME)


@pytest.mark.parametrize("content", [b"", b"<html>", zipped(MEMBER, CSV)[:-30]])
def test_unpack_of_what_is_no_zip_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedPayloadError, match="the zip cannot be read"):
        unpack_csv(content, NAME)


def test_unpack_of_an_empty_file_is_refused() -> None:
    with pytest.raises(MalformedPayloadError, match="is empty"):
        unpack_csv(zipped(MEMBER, b"\n"), NAME)


def test_unpack_stops_at_the_limit_whatever_size_the_zip_claims() -> None:
    bomb = zipped(MEMBER, b"0" * 10_000_000)

    with pytest.raises(MalformedPayloadError, match="unpacks to more than 100000 bytes"):
        unpack_csv(bomb, NAME, most=100_000)


@given(st.integers(0, 400), st.integers(0, 255))
def test_unpack_of_a_zip_with_one_wrong_byte_never_gives_other_bytes(position: int, value: int) -> None:
    content = bytearray(zipped(MEMBER, CSV))
    content[position % len(content)] = value
    try:
        unpacked = unpack_csv(bytes(content), NAME)
    except MalformedPayloadError:
        return
    assert unpacked == CSV
