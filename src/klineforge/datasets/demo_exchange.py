"""Catalog entry for the simulated exchange inside the project."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from klineforge.datasets.exchange import BinanceMarketDataset
from klineforge.errors import ConfigurationError
from klineforge.exchanges.binance.market import BinanceMarket
from klineforge.simulator.server import DemoExchange


class DemoMarketDataset(BinanceMarketDataset):
    """Starts the demo exchange on loopback when it is first asked for, and hands out a client for it.

    The client is the same as for the real Binance; only the URLs differ.

    Example in ``catalog.yml``::

        binance_market:
          type: klineforge.datasets.demo_exchange.DemoMarketDataset
          port: 0

    Example in Python::

        market = DemoMarketDataset(port=0).load()
    """

    def __init__(self, *, port: int = 0, metadata: dict[str, Any] | None = None) -> None:
        """Describe the server.

        Args:
            port: Loopback port; 0 takes any free one.
            metadata: For Kedro plugins; not used here.
        """
        super().__init__(archive_url="http://127.0.0.1", rest_url="http://127.0.0.1", metadata=metadata)
        self._port = self._checked(port)
        self._running = ExitStack()

    @staticmethod
    def _checked(port: object) -> int:
        if isinstance(port, int) and not isinstance(port, bool) and 0 <= port <= 65535:
            return port
        raise ConfigurationError(
            f"parameter demo_port must be a whole number from 0 to 65535 (0: any free port), found {port!r}"
        )

    def load(self) -> BinanceMarket:
        """The client, with the server behind it running.

        Raises:
            EnvironmentProblem: When the port cannot be used.
        """
        if self._market is None:
            exchange = self._running.enter_context(DemoExchange(port=self._port))
            self._archive_url, self._rest_url = exchange.archive_url, exchange.rest_url
        return super().load()

    def _describe(self) -> dict[str, Any]:
        return {"exchange": "simulated, on loopback", "port": self._port or "any free one"}

    def _release(self) -> None:
        super()._release()
        self._running.close()
