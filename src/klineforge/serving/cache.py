"""Results that are kept as long as there is room, the ones used last longest."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

T = TypeVar("T")


class BoundedCache:
    """Results by key, together no larger than a limit. Threads that want the same one wait for the first.

    Args:
        limit: Bytes of all results together; a result larger than that is handed out and not kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._in_work: dict[Hashable, Lock] = {}
        self.size = 0
        """Bytes of what is kept."""

    def get(self, key: Hashable, make: Callable[[], T], size_of: Callable[[T], int]) -> T:
        """The result of a key, made if it is not there.

        Args:
            key: What it depends on, all of it.
            make: Makes it; what it raises is passed on and nothing is kept.
            size_of: Its size in bytes.
        """
        with self._lock:
            if key in self._kept:
                kept: T = self._hit(key)
                return kept
            mine = self._in_work.setdefault(key, Lock())
        with mine:
            with self._lock:
                if key in self._kept:
                    return self._hit(key)  # type: ignore[no-any-return]
            try:
                made = make()
            finally:
                with self._lock:
                    self._in_work.pop(key, None)
            with self._lock:
                self._keep(key, made, size_of(made))
            return made

    def forget(self, is_stale: Callable[[Hashable], bool]) -> None:
        """Let go of results.

        Args:
            is_stale: Whether the result of a key can go.
        """
        with self._lock:
            for key in [key for key in self._kept if is_stale(key)]:
                self.size -= self._kept.pop(key)[1]

    def __len__(self) -> int:
        return len(self._kept)

    def _hit(self, key: Hashable) -> Any:
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def _keep(self, key: Hashable, made: object, size: int) -> None:
        if size > self._limit:
            return
        if key in self._kept:
            self.size -= self._kept.pop(key)[1]
        self._kept[key] = (made, size)
        self.size += size
        while self.size > self._limit:
            _, (_, freed) = self._kept.popitem(last=False)
            self.size -= freed
