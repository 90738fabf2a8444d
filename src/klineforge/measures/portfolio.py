"""Figures of several coins together: how alike they move, and where the risk of a portfolio is.

Matrices are square, one row and column per coin in one order; a correlation that is not known is not-a-number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


class Edge(NamedTuple):
    """Two coins that move together, or against each other.

    Args:
        first: A coin.
        second: Another.
        correlation: -1 to 1.
    """

    first: str
    second: str
    correlation: float


def full_matrix(coins: Sequence[str], pairs: Iterable[tuple[str, str, float | None]]) -> Numbers:
    """Correlations of pairs as a symmetric matrix with ones on its diagonal.

    >>> full_matrix(["A", "B"], [("A", "B", 0.5)]).tolist()
    [[1.0, 0.5], [0.5, 1.0]]

    Args:
        coins: Order of rows and columns.
        pairs: Two coins and their correlation, each pair once; pairs of other coins are ignored, null is unknown.
    """
    place = {coin: number for number, coin in enumerate(coins)}
    matrix = np.full((len(coins), len(coins)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for first, second, correlation in pairs:
        if first in place and second in place and correlation is not None:
            matrix[place[first], place[second]] = matrix[place[second], place[first]] = correlation
    return matrix


def mean_correlation(matrix: Numbers) -> float | None:
    """Mean of the correlations of all pairs that have one, each pair once, none with itself."""
    known = _of_pairs(matrix)
    return float(known.mean()) if known.size else None


def max_correlation(matrix: Numbers, coins: Sequence[str]) -> Edge | None:
    """The pair that moves together most; None where no pair has a correlation."""
    found = edges(matrix, coins, threshold=-1.0)
    return max(found, key=lambda edge: edge.correlation) if found else None


def diversification_score(matrix: Numbers) -> float | None:
    """One less the mean size of the correlations: 1 where no coin has to do with another, 0 where all move as one.

    >>> diversification_score(full_matrix(["A", "B", "C"], [("A", "B", 0.5), ("A", "C", -0.5), ("B", "C", None)]))
    0.5
    """
    known = _of_pairs(matrix)
    return 1 - float(np.abs(known).mean()) if known.size else None


def clustered_order(matrix: Numbers) -> list[int]:
    """An order of the coins in which those that move alike stand together.

    Average linkage on the distance ``sqrt((1 - correlation) / 2)``; an unknown correlation counts as zero.

    Args:
        matrix: Correlations.
    """
    if len(matrix) < 3:
        return list(range(len(matrix)))
    # Imported here: it takes a fifth of a second, and only this needs it.
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distances = np.sqrt(np.clip((1 - np.nan_to_num(matrix, nan=0.0)) / 2, 0, 1))
    np.fill_diagonal(distances, 0.0)
    tree = linkage(squareform(distances, checks=False), method="average", optimal_ordering=True)
    return [int(place) for place in leaves_list(tree)]


def effective_bets(matrix: Numbers) -> float | None:
    """Number of independent bets: the exponential of the entropy of the eigenvalues' shares.

    >>> round(effective_bets(np.eye(4)), 9)
    4.0

    Args:
        matrix: Correlations or covariances without unknown entries; else None.

    Returns:
        Between 1, all coins are one, and the number of coins. None where nothing varies.
    """
    if not len(matrix) or not np.isfinite(matrix).all():
        return None
    values = np.clip(np.linalg.eigvalsh(matrix), 0.0, None)
    if values.sum() <= 0:
        return None
    shares = values[values > 0] / values.sum()
    return math.exp(-float(np.sum(shares * np.log(shares))))


def concentration(weights: Numbers) -> float | None:
    """Herfindahl index of the weights' shares: 1 where all is in one coin, ``1 / n`` where n coins weigh the same.

    >>> concentration(np.array([1.0, 1.0, 0.0, 2.0]))
    0.375

    Args:
        weights: At least zero; None where all are zero.
    """
    shares = normalised_weights(weights)
    return None if shares is None else float(np.sum(shares**2))


def normalised_weights(weights: Numbers) -> Numbers | None:
    """Weights that add up to one; None where they are all zero.

    Args:
        weights: At least zero.

    Raises:
        ValueError: When a weight is negative or no number.
    """
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError(f"weights are numbers of at least zero, found {weights.tolist()}")
    total = float(weights.sum())
    return weights / total if total > 0 else None


def covariance(returns: Numbers) -> Numbers | None:
    """Sample covariance of several coins' hourly returns over the hours in which all of them have one.

    Args:
        returns: One row per hour, one column per coin.

    Returns:
        None below two such hours.
    """
    complete = returns[np.isfinite(returns).all(axis=1)]
    return np.atleast_2d(np.cov(complete, rowvar=False, ddof=1)) if len(complete) > 1 else None


def risk_contributions(weights: Numbers, covariances: Numbers) -> Numbers | None:
    """Share of each coin in the variance of the portfolio, adding up to one: ``w_i (C w)_i / (w C w)``.

    Args:
        weights: At least zero, in any scale.
        covariances: Of the coins' returns.

    Returns:
        A negative share belongs to a coin that takes risk away. None where weights are zero or nothing varies.
    """
    shares = normalised_weights(weights)
    if shares is None:
        return None
    marginal = covariances @ shares
    variance = float(shares @ marginal)
    return shares * marginal / variance if variance > 0 else None


def edges(matrix: Numbers, coins: Sequence[str], threshold: float) -> list[Edge]:
    """Pairs whose correlation is at least a threshold, or at most its negative; -1 or less takes every known pair.

    Args:
        matrix: Correlations.
        coins: Its order.
        threshold: 0 to 1 for the size of a correlation.

    Returns:
        The strongest first, by size.
    """
    rows, columns = np.triu_indices(len(matrix), 1)
    found = [
        Edge(coins[row], coins[column], float(matrix[row, column]))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if abs(matrix[row, column]) >= threshold
    ]
    return sorted(found, key=lambda edge: (-abs(edge.correlation), edge.first, edge.second))


def normalised_prices(closes: Numbers, base: float = 100.0) -> Numbers:
    """Prices as indexes that begin at a base with the first candle of each coin.

    >>> normalised_prices(np.array([[8.0, np.nan], [6.0, 5.0]])).tolist()
    [[100.0, nan], [75.0, 100.0]]

    Args:
        closes: One row per hour, one column per coin; not-a-number where there is no candle.
        base: What each begins with.
    """
    if not len(closes):
        return closes
    first = closes[np.isfinite(closes).argmax(axis=0), np.arange(closes.shape[1])]
    indexed: Numbers = base * closes / first
    return indexed


def _of_pairs(matrix: Numbers) -> Numbers:
    above = matrix[np.triu_indices(len(matrix), 1)]
    known: Numbers = above[np.isfinite(above)]
    return known
