"""Opening an archive file without trusting it."""

from __future__ import annotations

import io
import zipfile
import zlib

from klineforge.errors import MalformedPayloadError
from klineforge.exchanges.binance.constants import MAX_CSV_BYTES

_CHUNK = 1 << 16


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
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if [member.filename for member in members] != [expected]:
                found = ", ".join(repr(member.filename) for member in members[:5]) or "nothing"
                raise MalformedPayloadError(f"expected exactly one member {expected!r} in the zip, found {found}")
            if members[0].flag_bits & 0x1:
                raise MalformedPayloadError(f"member {expected!r} of the zip is encrypted")
            csv = _read_limited(archive, members[0], most)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise MalformedPayloadError(f"the zip cannot be read: {error}") from error
    if not csv.strip():
        raise MalformedPayloadError(f"member {expected!r} of the zip is empty")
    return csv


def _read_limited(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """Unpack with a limit that does not depend on the size the zip claims; the CRC is checked at its end."""
    unpacked = bytearray()
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK):
            unpacked += chunk
            if len(unpacked) > most:
                raise MalformedPayloadError(f"member {member.filename!r} unpacks to more than {most} bytes")
    return bytes(unpacked)
