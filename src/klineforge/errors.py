"""The errors KlineForge raises on purpose.

    KlineForgeError
    ├── ConfigurationError            wrong before any work starts
    │   ├── VersionGoneError          the version of a table asked for is no longer held
    │   └── EnvironmentProblem        Java, jars, a port or a folder is not usable
    │       └── DamagedTableError     a table's log or files are cut off, missing or unreadable
    ├── ExchangeError                 knows exchange, coin, time range, URL
    │   ├── TransientExchangeError    retry: 429, 5xx, time-out, dropped connection
    │   ├── PermanentExchangeError    do not retry: unknown symbol, bad interval
    │   ├── MalformedPayloadError     the exchange answered, we cannot read it
    │   └── ChecksumMismatchError     an archive differs from its .CHECKSUM
    ├── IngestionIncompleteError      some coins were ingested, others failed
    ├── ContractError                 schema or key of a table violated; lists every difference
    ├── LeakageError                  features look ahead
    ├── QualityError                  a check of the quality pipeline found wrong rows
    ├── IncrementalStateError         what a table remembers contradicts the table
    ├── LakeBusyError                 another run holds the lake
    └── RunInterruptedError           the user ended the run

A message says what was expected, what was found, for which coin and range, and what to do next.
"""

from __future__ import annotations


class KlineForgeError(Exception):
    """Base of every error that is shown to the user as a message, without a traceback."""


class ConfigurationError(KlineForgeError):
    """A parameter, a path or the configuration is wrong; no work has started."""


class VersionGoneError(ConfigurationError):
    """A version of a table is asked for that the table does not hold any more, or never had."""


class EnvironmentProblem(ConfigurationError):
    """The machine lacks something a run needs: Java, the Delta jars, a free port, a writable folder."""


class DamagedTableError(EnvironmentProblem):
    """Files of a table are cut off, missing or unreadable; ``kedro klineforge repair`` says what can be mended."""


class ExchangeError(KlineForgeError):
    """An exchange could not deliver.

    Args:
        problem: What was expected and what was found.
        exchange: Exchange code, for example ``binance``.
        coin: Native symbol, when the request was about one.
        time_range: Half-open UTC range asked for, as text.
        url: What was requested.
        advice: What the user can do next.
    """

    def __init__(
        self,
        problem: str,
        *,
        exchange: str = "binance",
        coin: str | None = None,
        time_range: str | None = None,
        url: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.problem = problem
        self.exchange = exchange
        self.coin = coin
        self.time_range = time_range
        self.url = url
        self.advice = advice
        where = " ".join(part for part in (exchange, coin, time_range) if part)
        lines = [f"{where}: {problem}"]
        if url:
            lines.append(f"  requested: {url}")
        if advice:
            lines.append(f"  what to do: {advice}")
        super().__init__("\n".join(lines))


class TransientExchangeError(ExchangeError):
    """Worth another try: the exchange is busy, slow or unreachable."""


class PermanentExchangeError(ExchangeError):
    """Trying again cannot help: unknown symbol, refused request, restricted location."""


class MalformedPayloadError(ExchangeError):
    """The exchange answered, but the answer cannot be read as what was asked for."""


class ChecksumMismatchError(ExchangeError):
    """A downloaded archive is not the one its ``.CHECKSUM`` file describes."""


class IngestionIncompleteError(KlineForgeError):
    """Some coins could not be ingested; everything else was."""


class ContractError(KlineForgeError):
    """A table's schema or key differs from its contract."""


class LeakageError(KlineForgeError):
    """Features are made of what was not known at the instant they claim to be known."""


class QualityError(KlineForgeError):
    """Tables hold what they must not; figures made from them cannot be trusted."""


class IncrementalStateError(KlineForgeError):
    """What a derived table remembers of its inputs contradicts the inputs."""


class LakeBusyError(KlineForgeError):
    """Another run is writing to the same lake."""


class RunInterruptedError(KlineForgeError):
    """The user has ended the run before its end."""

    def __init__(self) -> None:
        super().__init__(
            "interrupted: tables that were done stay, the others are as they were before; run again to go on from there"
        )
