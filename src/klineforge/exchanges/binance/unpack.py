"""Opening an archive file without trusting it."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Final

from klineforge.errors import MalformedPayloadError
from klineforge.exchanges.binance.constants import MAX_CSV_BYTES

_CHUNK = 1 << 16
_NAME_SHOWN: Final = 100
# One member's entry is some hundred bytes; the standard library makes an object of each before it can be refused.
_MAX_DIRECTORY_BYTES: Final = 1 << 20
# Where the end of a zip can be: its records and the longest comment.
_END_BYTES: Final = (1 << 16) + 256
# Signature of the records that close a zip, and where in them the size of the directory stands.
_ENDS: Final = ((b"PK\x05\x06", slice(12, 16)), (b"PK\x06\x06", slice(40, 48)))
# The others are unpacked by the standard library without a limit on what one call gives.
_COMPRESSIONS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def unpack_csv(content: bytes, file_name: str, most: int = MAX_CSV_BYTES) -> bytes:
    """Take the one CSV out of a kline archive.

    Args:
        content: The zip file.
        file_name: Its name; the member must have the same name with ``.csv``.
        most: Largest unpacked size accepted, in bytes.

    Raises:
        MalformedPayloadError: When the zip is damaged, empty, too large, or holds anything but that one member.
    """
    expected = file_name.removesuffix(".zip") + ".csv"
    _refuse_a_large_directory(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if [member.filename for member in members] != [expected]:
                found = ", ".join(repr(member.filename[:_NAME_SHOWN]) for member in members[:5]) or "nothing"
                raise MalformedPayloadError(f"expected exactly one member {expected!r} in the zip, found {found}")
            if members[0].flag_bits & 0x1:
                raise MalformedPayloadError(f"member {expected!r} of the zip is encrypted")
            if members[0].compress_type not in _COMPRESSIONS:
                raise MalformedPayloadError(f"member {expected!r} of the zip is compressed in a way that is not used")
            csv = _read_limited(archive, members[0], most)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise MalformedPayloadError(f"the zip cannot be read: {error}") from error
    if not csv.strip():
        raise MalformedPayloadError(f"member {expected!r} of the zip is empty")
    return csv


def _refuse_a_large_directory(content: bytes) -> None:
    """Look at the sizes a zip states of its directory before anything is made of its entries."""
    end = content[-_END_BYTES:]
    for signature, size in _ENDS:
        at = end.find(signature)
        while at >= 0:
            stated = int.from_bytes(end[at:][size], "little")
            if stated > _MAX_DIRECTORY_BYTES:
                raise MalformedPayloadError(f"the zip states a directory of {stated} bytes, expected one member")
            at = end.find(signature, at + 1)


def _read_limited(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Unpack with a limit that does not depend on the size the zip claims; the CRC is checked at its end."""
    unpacked = bytearray()
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK):
            unpacked += chunk
            if len(unpacked) > most:
                raise MalformedPayloadError(f"member {member.filename!r} unpacks to more than {most} bytes")
    return bytes(unpacked)
