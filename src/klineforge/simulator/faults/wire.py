"""Faults on the way: connections that break, stall or lie about what they carry."""

from __future__ import annotations

import gzip
from dataclasses import replace

from klineforge.simulator.faults.kinds import Asked, reply_fault
from klineforge.simulator.replies import Delivery, Reply


@reply_fault()
def hang_up(reply: Reply, _asked: Asked) -> Reply:
    """Close the connection without any answer."""
    return replace(reply, delivery=Delivery(sent=0, silent="request", reset=True))


@reply_fault()
def hang(reply: Reply, _asked: Asked, *, at: str = "request") -> Reply:
    """Keep the connection open and send nothing, from the request on (at=request) or after the headers (at=headers)."""
    return replace(reply, delivery=Delivery(sent=0, silent="headers" if at == "headers" else "request"))


@reply_fault()
def reset(reply: Reply, _asked: Asked, *, share: float = 0.5) -> Reply:
    """Reset the connection in mid-body, after this share of it."""
    return replace(reply, delivery=Delivery(sent=int(len(reply.body) * share), reset=True))


@reply_fault()
def cut(reply: Reply, _asked: Asked, *, share: float = 0.5) -> Reply:
    """Close the connection before as many bytes have come as Content-Length says."""
    return replace(reply, delivery=Delivery(sent=int(len(reply.body) * share)))


@reply_fault()
def cut_chunks(reply: Reply, _asked: Asked, *, share: float = 0.5) -> Reply:
    """Send the body in chunks, without a length, and close before the last one."""
    return replace(reply, delivery=Delivery(sent=int(len(reply.body) * share), chunked=True))


@reply_fault()
def drip(reply: Reply, _asked: Asked, *, pieces: int = 50, seconds: float = 10.0) -> Reply:
    """Send the body in small pieces with a pause after each."""
    return replace(reply, delivery=Delivery(drip_seconds=seconds, pieces=pieces))


@reply_fault()
def encoding(reply: Reply, _asked: Asked, *, corrupt: bool = False) -> Reply:
    """Say Content-Encoding: gzip of a body that is not compressed, or damaged in its compressed form (corrupt=true)."""
    body = reply.body
    if corrupt:
        body = gzip.compress(body, mtime=0)
        body = body[: len(body) // 2] + b"\x00\xff\x00\xff" + body[len(body) // 2 + 4 :]
    return replace(reply, body=body, headers={**reply.headers, "Content-Encoding": "gzip"})
