"""Names of hosts looked up within a time, which the system's resolver does not keep to."""

from __future__ import annotations

import ipaddress
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

from urllib3.util.connection import allowed_gai_family


@dataclass
class _Lookup:
    """What a thread of its own found out."""

    host: str
    port: int
    addresses: list[str] = field(default_factory=list)
    error: Exception | None = None

    def run(self) -> None:
        try:
            found: list[Any] = socket.getaddrinfo(self.host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
            self.addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        except (OSError, UnicodeError) as error:
            self.error = error


def addresses_of(host: str, port: int, seconds: float | None) -> list[str]:
    """The addresses of a host, in the order in which the system prefers them.

    Args:
        host: A name; an address is returned as it is.
        port: The port that is going to be connected to.
        seconds: How long to wait; None for as long as it takes.

    Raises:
        TimeoutError: When there is no answer by then; the resolver is left to itself.
        OSError: When the name cannot be resolved.
        UnicodeError: When it cannot be a name.
    """
    if _is_address(host):
        return [host]
    lookup = _Lookup(host, port)
    # Nothing can end a lookup from outside, so nobody waits for this thread, not even the end of the program.
    thread = threading.Thread(target=lookup.run, name=f"resolve-{host}", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"the name {host} was not resolved within {seconds:.3g} s")
    if lookup.error is not None:
        raise lookup.error
    return lookup.addresses


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
