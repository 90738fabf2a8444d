"""Real candles with something wrong: hours that are late, values that are corrected days later."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

_DAY_FILE = "data/spot/daily/klines/{coin}/1h/{coin}-1h-{day}.zip"


@dataclass(frozen=True)
class Defect:
    """What is wrong with one coin's file of one day until a revision of the file arrives.

    Args:
        coin: Native symbol.
        day: The file's day.
        missing: Hours of the day that the first file lacks.
        wrong: Hours whose close and volume it has wrong.
        mended: The day whose run brings the revision.
    """

    coin: str
    day: date
    missing: frozenset[int]
    wrong: frozenset[int]
    mended: date


def defects_of(coins: Iterable[str], days: Iterable[date], seed: int) -> tuple[Defect, ...]:
    """Two or three coins of every day have late or wrong hours, for one to nine days; all are mended by the last."""
    chance = random.Random(seed)  # noqa: S311  a test's dice
    names, dates = list(coins), list(days)
    made = []
    for day in dates[:-1]:
        for coin in chance.sample(names, chance.randint(2, 3)):
            hours = chance.sample(range(24), 4)
            late = frozenset(hours[: chance.randint(0, 3)])
            mended = min(day + timedelta(days=chance.randint(1, 9)), dates[-1])
            made.append(Defect(coin, day, late, frozenset(hours[3:]), mended))
    return tuple(made)


def with_defects(history: pd.DataFrame, defects: Iterable[Defect]) -> pd.DataFrame:
    """The candles as files with defects have them; a wrong one has its low for a close and thrice its volume.

    Args:
        history: The true candles, columns of the fact.
        defects: What is wrong.
    """
    hours = {
        (defect.coin, pd.Timestamp(defect.day, tz="UTC") + timedelta(hours=hour)): hour in defect.missing
        for defect in defects
        for hour in defect.missing | defect.wrong
    }
    fate = pd.Series([hours.get(key) for key in zip(history["coin"], history["open_timestamp"], strict=True)])
    wrong = (fate == False).to_numpy()  # noqa: E712  neither missing nor without a defect
    made = history.copy()
    made.loc[wrong, "close_price"] = made.loc[wrong, "low_price"]
    for column in ("volume", "quote_volume"):
        made.loc[wrong, column] = [float(f"{3 * value:.8f}") for value in made.loc[wrong, column]]
    return made[(fate != True).to_numpy()].reset_index(drop=True)  # noqa: E712


def candles_known(history: pd.DataFrame, defects: Iterable[Defect], after: date) -> pd.DataFrame:
    """What the files say that have arrived with the run of a day.

    Args:
        history: The true candles, columns of the fact.
        defects: What is wrong until when.
        after: The newest day that has run.
    """
    arrived = history[history["open_timestamp"] < pd.Timestamp(after + timedelta(days=1), tz="UTC")]
    return with_defects(arrived.reset_index(drop=True), [defect for defect in defects if defect.mended > after])


def write_candles(candles: pd.DataFrame, folder: Path) -> Path:
    """Write candles in the form of the real ones, for the archive tool: one file per coin."""
    folder.mkdir()
    renamed = candles.rename(columns={f"{name}_price": name for name in ("open", "high", "low", "close")})
    renamed["open_time"] = renamed["open_timestamp"].astype("int64") // 1000
    columns = ["open_time", "open", "high", "low", "close", "volume", "quote_volume"]
    for coin, rows in renamed.groupby("coin"):
        rows[columns].to_parquet(folder / f"{coin}-1h.parquet", index=False)
    return folder


def publish_anew(archive: Path, mended: Path, defect: Defect) -> None:
    """Replace the file of a day, as the exchange does: silently, with another checksum.

    Args:
        archive: The archive that runs read.
        mended: An archive without defects.
        defect: Says which file.
    """
    for suffix in ("", ".CHECKSUM"):
        name = _DAY_FILE.format(coin=defect.coin, day=defect.day) + suffix
        shutil.copyfile(mended / name, archive / name)
