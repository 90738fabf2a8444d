"""Which rows of a symbol are about the asset that it names now."""

from __future__ import annotations

import polars as pl


def of_newest_listing() -> pl.Expr:
    """Whether a row is of its coin's newest listing in the frame: a price, a fall, a risk is that of one asset.

    >>> rows = pl.DataFrame({"coin": ["A", "A", "B"], "listing_seq": [1, 2, 1]})
    >>> rows.filter(of_newest_listing()).rows()
    [('A', 2), ('B', 1)]

    Returns:
        A condition on ``coin`` and ``listing_seq``.
    """
    return pl.col("listing_seq") == pl.col("listing_seq").max().over("coin")
