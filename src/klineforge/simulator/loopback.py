"""HTTP/1.1 on the loopback interface, for one function that turns a request into a reply."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import Any

from klineforge.simulator.delivery import reset_on_close, send_body, stall
from klineforge.simulator.replies import WHOLE, Reply

HOST = "127.0.0.1"
PATIENCE = 5.0
"""Seconds a closing server waits for each request that is still being answered."""

Answer = Callable[[str, Mapping[str, str]], Reply]
"""From the request's target and its headers (names in lower case) to the reply."""


class LoopbackServer(TCPServer):
    """One thread per connection, all of them known, so that none outlives the exchange.

    Args:
        port: Port to listen on; 0 takes any free one.
        answer: Called from several threads at once.
        clock: Time told in the ``Date`` header.
        pause: Waits between the pieces of an answer that drips; None waits until the server closes, at most.

    Raises:
        OSError: When the port is taken or forbidden.
        OverflowError: When it is not a port number.
    """

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        answer: Answer,
        clock: Callable[[], datetime],
        pause: Callable[[float], None] | None = None,
    ) -> None:
        self.answer = answer
        self.clock = clock
        self.closing = threading.Event()
        self.pause: Callable[[float], object] = self.closing.wait if pause is None else pause
        self._connections: dict[threading.Thread, socket.socket] = {}
        super().__init__((HOST, port), _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection's requests in a thread of its own."""
        thread = threading.Thread(
            target=self._converse, args=(request, client_address), name="demo-exchange-connection", daemon=True
        )
        self._connections = {known: its for known, its in self._connections.items() if known.is_alive()}
        self._connections[thread] = request
        thread.start()

    def _converse(self, request: socket.socket, client_address: object) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            pass  # the client hung up or the exchange is closing: nobody is left to tell
        finally:
            self.shutdown_request(request)

    def close_connections(self) -> None:
        """End kept-alive connections, whose threads would otherwise wait for a next request.

        To be called once nothing is accepted any more.
        """
        self.closing.set()
        for connection in self._connections.values():
            with suppress(OSError):  # already closed by its own thread
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._connections:
            thread.join(PATIENCE)


class _Connection(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 with kept-alive connections and no log."""

    server: LoopbackServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        """Answer with the body."""
        self._send(with_body=True)

    def do_HEAD(self) -> None:
        """Answer with the headers alone."""
        self._send(with_body=False)

    def _send(self, *, with_body: bool) -> None:
        reply = self.server.answer(self.path, {name.lower(): value for name, value in self.headers.items()})
        if not with_body:
            reply = replace(reply, delivery=WHOLE)
        travels = reply.delivery
        if travels.silent == "request":
            self._end(reply)
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        if travels.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif reply.status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body and not send_body(reply, self.wfile, self.server.pause):
            self._end(reply)

    def _end(self, reply: Reply) -> None:
        """Keep quiet or end the connection before all of the answer was sent."""
        self.close_connection = True
        if reply.delivery.reset:
            reset_on_close(self.connection)
        elif reply.delivery.silent:
            stall(self.connection, self.server.closing)

    def version_string(self) -> str:
        """The ``Server`` header says that this is not Binance."""
        return "KlineForge demo exchange"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The ``Date`` header tells the exchange's time, not the machine's."""
        moment = self.server.clock() if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
        return format_datetime(moment, usegmt=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the demo's output belongs to the run."""
