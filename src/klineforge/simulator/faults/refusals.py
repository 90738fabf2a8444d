"""Faults that answer something else: other statuses, error bodies, pages for people, redirects and bans."""

from __future__ import annotations

from http import HTTPStatus

from klineforge.simulator.faults.kinds import API, Asked, reply_fault
from klineforge.simulator.replies import Reply, json_reply

_BODIES = {
    "html": (b"<html><head><title>Sorry</title></head><body><h1>Sorry</h1></body></html>", "text/html"),
    "xml": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "application/xml"),
    "empty": (b"", "application/octet-stream"),
}


@reply_fault()
def status(_reply: Reply, _asked: Asked, *, status: int = 503, body: str = "html", retry_after: str = "") -> Reply:
    """Answer another status; body is html, xml, empty or a text of its own, retry_after a header if not empty."""
    content, content_type = _BODIES.get(body, (body.encode(), "text/plain"))
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Reply(_status(status), content, content_type, headers)


@reply_fault(API)
def error(reply: Reply, _asked: Asked, *, status: int = 400, code: int = -1000, message: str = "error") -> Reply:
    """Answer an error body in the exchange's own form."""
    return json_reply({"code": code, "msg": message}, reply.headers, _status(status))


@reply_fault()
def page(reply: Reply, asked: Asked) -> Reply:
    """Answer 200 with a page for people, as captive portals and maintenance do."""
    return status(reply, asked, status=200, body="html")


@reply_fault()
def redirect(_reply: Reply, _asked: Asked, *, location: str = "http://127.0.0.2:9/", status: int = 302) -> Reply:
    """Send the client elsewhere."""
    return Reply(_status(status), b"", "text/html", {"Location": location})


@reply_fault(API)
def ban(reply: Reply, asked: Asked, *, seconds: int = 120, header: bool = True) -> Reply:
    """Answer 418 until that many seconds after the first one; header=false leaves Retry-After out."""
    now = asked.now.timestamp()
    until = asked.memory.setdefault("until", now + seconds)
    return banned(until, now, reply, header=header) if now < until else reply


def banned(until: float, now: float, reply: Reply, *, header: bool) -> Reply:
    """The answer to a client that is banned.

    Args:
        until: End of the ban, epoch seconds.
        now: The exchange's time, epoch seconds.
        reply: What it would have got; its headers stay.
        header: Whether ``Retry-After`` says how long.
    """
    text = f"Way too much request weight used; IP banned until {int(until * 1000)}. Please use WebSocket Streams."
    headers = dict(reply.headers)
    if header:
        headers["Retry-After"] = str(int(until - now) + 1)
    return json_reply({"code": -1003, "msg": text}, headers, HTTPStatus.IM_A_TEAPOT)


def _status(number: int) -> HTTPStatus:
    try:
        return HTTPStatus(number)
    except ValueError:
        # 520 and its like are no names of Python's: the nearest is as good.
        return HTTPStatus.INTERNAL_SERVER_ERROR
