"""Bronze reads one batch while it writes the one before, and nothing else changes by that."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from ingestion.fakes import FakeBinance, hours
from ingestion.lake import Lake

from klineforge.exchanges.binance.bronze import BronzeBatch, bronze_batches
from klineforge.exchanges.binance.wire import CHECKPOINTS_SCHEMA, KLINES_SCHEMA
from klineforge.pipelines.bronze import nodes


def numbered(pulled: list[int], most: int) -> Iterator[BronzeBatch]:
    for number in range(most):
        pulled.append(number)
        yield BronzeBatch(str(number), KLINES_SCHEMA.empty_table(), CHECKPOINTS_SCHEMA.empty_table(), (str(number),))
    raise ValueError("cannot be read")


def feed(monkeypatch: pytest.MonkeyPatch, pulled: list[int], most: int) -> Iterator[Any]:
    monkeypatch.setattr(nodes, "bronze_batches", lambda *_: numbered(pulled, most))
    appends = nodes.append_landed_klines(None, None)  # type: ignore[arg-type]
    next(appends)
    return appends


def test_batches_of_the_node_are_those_that_have_landed(exchange: FakeBinance, lake: Lake) -> None:
    exchange.trade("BTCUSDT", hours("2021-01-01", "2021-03-01"))
    lake.download(exchange, coins="BTCUSDT", start="2021-01-01", end="2021-03-01")
    expected = list(bronze_batches(lake.zone, lake.coverage()))

    first, *appends = nodes.append_landed_klines(lake.zone, lake.coverage())

    assert [first[0].rows.num_rows, first[1].rows.num_rows, first[2]] == [0, 0, ()]
    assert len(appends) == len(expected) == 1
    for (klines, checkpoints, units), batch in zip(appends, expected, strict=True):
        assert klines.rows.equals(batch.klines)
        assert checkpoints.rows.equals(batch.checkpoints)
        assert [klines.identity, checkpoints.identity, units] == [batch.batch_id, batch.batch_id, batch.unit_ids]


def test_trouble_of_a_later_batch_comes_after_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    appends = feed(monkeypatch, [], 3)

    assert [next(appends)[0].identity for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(ValueError, match="cannot be read"):
        next(appends)


def test_no_more_than_one_batch_is_read_ahead_and_no_thread_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    pulled: list[int] = []
    appends = feed(monkeypatch, pulled, 9)
    for taken in itertools.islice(itertools.count(1), 3):
        next(appends)
        assert len(pulled) <= taken + 1

    appends.close()  # type: ignore[attr-defined]

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bronze")]
    assert pulled == [0, 1, 2, 3]
