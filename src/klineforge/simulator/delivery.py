"""Sending a reply's body as its delivery says: whole, cut short, in pieces, or not at all."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable
from io import BufferedIOBase

from klineforge.simulator.replies import Reply

_LOOK_EVERY = 0.02
_LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)


def send_body(reply: Reply, out: BufferedIOBase, pause: Callable[[float], object]) -> bool:
    """Write the body, and return whether all of it was written.

    Args:
        reply: What to send; its headers have been sent.
        out: Where to.
        pause: Waits between the pieces.
    """
    travels = reply.delivery
    body = reply.body if travels.sent is None else reply.body[: travels.sent]
    size = max(1, -(-len(body) // travels.pieces))
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        out.write(b"%x\r\n%b\r\n" % (len(piece), piece) if travels.chunked else piece)
        if travels.drip_seconds:
            out.flush()
            pause(travels.drip_seconds)
    whole = travels.sent is None and not travels.silent
    if whole and travels.chunked:
        out.write(b"0\r\n\r\n")
    out.flush()
    return whole


def stall(connection: socket.socket, closing: threading.Event) -> None:
    """Keep quiet until the client has hung up or the server closes."""
    while not closing.wait(_LOOK_EVERY):
        readable, _, _ = select.select([connection], [], [], 0)
        if readable and not connection.recv(1, socket.MSG_PEEK):
            return


def reset_on_close(connection: socket.socket) -> None:
    """Make the end of a connection a reset instead of an orderly close."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
    connection.close()
