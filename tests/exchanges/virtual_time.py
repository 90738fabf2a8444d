"""Threads in simulated time: the clock moves on only when all of them wait, and then to the next one who wakes up."""

from __future__ import annotations

import heapq
import io
import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter


class VirtualClock:
    """A clock for several threads that all wait by it and by nothing else."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._awake = 0
        self._alarms: list[float] = []
        self._changed = threading.Condition()

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def interrupt(self) -> None:
        """Nobody does."""

    def sleep(self, seconds: float) -> None:
        with self._changed:
            alarm = self._now + max(0.0, seconds)
            heapq.heappush(self._alarms, alarm)
            self._rest()
            while self._now < alarm or alarm in self._alarms:
                self._changed.wait()

    def run(self, work: Sequence[Callable[[], Any]]) -> list[Any]:
        """Do everything at once, each in a thread of its own; an exception counts as its result."""
        results: list[Any] = [None] * len(work)

        def one(number: int) -> None:
            try:
                results[number] = work[number]()
            except Exception as error:  # noqa: BLE001 - handed to the test
                results[number] = error
            with self._changed:
                self._rest()

        self._awake = len(work)
        threads = [threading.Thread(target=one, args=(number,)) for number in range(len(work))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def _rest(self) -> None:
        self._awake -= 1
        if self._awake == 0 and self._alarms:
            self._now = max(self._now, self._alarms[0])
            while self._alarms and self._alarms[0] <= self._now:
                heapq.heappop(self._alarms)
                self._awake += 1
            self._changed.notify_all()


Answer = tuple[int, dict[str, str], bytes]


class SimulatedServer(BaseAdapter):
    """Answers without a network; every request takes some simulated time on its way there and back.

    Args:
        clock: The clock.
        answer: From the path and the moment of arrival to status, headers and body.
    """

    def __init__(self, clock: VirtualClock, answer: Callable[[str, float], Answer]) -> None:
        super().__init__()
        self._clock = clock
        self._answer = answer
        self._lock = threading.Lock()

    def session(self) -> requests.Session:
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, self)
        return session

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        self._clock.sleep(0.3)
        with self._lock:
            status, headers, body = self._answer(urlsplit(request.url or "").path, self._clock.now())
        self._clock.sleep(0.3)
        response = requests.Response()
        response.status_code = status
        response.headers.update(headers)
        response.url = request.url or ""
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), headers=headers, status=status, preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""
