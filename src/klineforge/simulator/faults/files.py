"""Faults of archive files as files: whether they are there, and the zip around the CSV."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

from klineforge.simulator.archive import NO_SUCH_KEY, csv_of
from klineforge.simulator.faults.kinds import CHECKSUM, ZIP, Asked, archive_fault, reply_fault
from klineforge.simulator.replies import Reply


@reply_fault(ZIP)
def late(reply: Reply, asked: Asked, *, days: float = 3.0) -> Reply:
    """Publish archives that many days later than usual."""
    if asked.file is None or reply.status == HTTPStatus.NOT_FOUND:
        return reply
    return _missing() if asked.now < asked.file.published + timedelta(days=days) else reply


@reply_fault(CHECKSUM)
def checksum_missing(reply: Reply, _asked: Asked) -> Reply:
    """Have no checksum file."""
    return reply if reply.status == HTTPStatus.NOT_FOUND else _missing()


@reply_fault(ZIP)
def denied(reply: Reply, _asked: Asked, *, status: int = 403) -> Reply:
    """Answer AccessDenied instead of 404 for keys that do not exist."""
    if reply.status != HTTPStatus.NOT_FOUND:
        return reply
    return replace(reply, status=HTTPStatus(status), body=reply.body.replace(b"NoSuchKey", b"AccessDenied"))


@reply_fault(ZIP)
def altered(reply: Reply, asked: Asked) -> Reply:
    """Change bytes of the zip on its way, so that it is not what its checksum describes."""
    if reply.status != HTTPStatus.OK or asked.target.endswith(".CHECKSUM"):
        return reply
    return replace(reply, body=_damaged(reply.body))


@archive_fault("zip")
def corrupt(content: bytes, _asked: Asked) -> bytes:
    """Damage the compressed CSV; the checksum vouches for the damaged file."""
    return _damaged(content)


@archive_fault("zip")
def truncated(content: bytes, _asked: Asked, *, share: float = 0.5) -> bytes:
    """Publish only the beginning of the zip; the checksum vouches for it."""
    return content[: int(len(content) * share)]


@archive_fault("zip")
def members(content: bytes, asked: Asked, *, count: int = 2) -> bytes:
    """Put that many members into the zip."""
    own, csv = _own_name(asked), csv_of(content)
    return _zip([(own if number == 0 else f"{number}-{own}", csv) for number in range(count)])


@archive_fault("zip")
def member_name(content: bytes, _asked: Asked, *, name: str = "../escaped.csv") -> bytes:
    """Give the one member another name."""
    return _zip([(name, csv_of(content))])


@archive_fault("zip")
def bomb(_content: bytes, asked: Asked, *, megabytes: int = 80) -> bytes:
    """Put a member into the zip that unpacks to that many megabytes."""
    return _zip([(_own_name(asked), b"0" * (megabytes << 20))])


@archive_fault("zip")
def empty_csv(_content: bytes, asked: Asked) -> bytes:
    """Put a CSV of no bytes into the zip."""
    return _zip([(_own_name(asked), b"")])


def _missing() -> Reply:
    return Reply(HTTPStatus.NOT_FOUND, NO_SUCH_KEY, "application/xml")


def _own_name(asked: Asked) -> str:
    return asked.target.rsplit("/", 1)[-1].removesuffix(".zip") + ".csv"


def _damaged(content: bytes) -> bytes:
    """Other bytes in the middle of the first member's data."""
    at = len(content) // 3
    return content[:at] + bytes(byte ^ 0x5A for byte in content[at : at + 16]) + content[at + 16 :]


def _zip(members: list[tuple[str, bytes]]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members:
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content, compresslevel=1)
    return target.getvalue()
