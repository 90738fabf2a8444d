"""The check on save: Kedro's ``validator:`` of a table's catalog entry."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import polars as pl

from klineforge.contracts import contract_of
from klineforge.datasets.delta_table import Append
from klineforge.incremental.recipe import Derivation
from klineforge.quality.promises import require_promises


class ContractValidator:
    """Holds new rows to their table's contract before they are committed.

    Kedro asks a validator about what a node returned. An ``Append`` holds rows, which are looked at there and then. A
    ``Derivation`` does not yet: it is handed on with the order to look at the rows that turn out to differ, so that an
    increment checks what it changes and nothing else. ``KEDRO_DATASET_VALIDATION=0`` switches both off; Delta's own
    constraints stay.

    Usage, YAML::

        mart_returns_1h:
          type: klineforge.datasets.delta_table.DeltaTableDataset
          contract: mart_returns_1h
          path: data/marts/mart_returns_1h
          validator:
            class: klineforge.datasets.validation.ContractValidator
            "on": save
            options:
              contract: mart_returns_1h

    Args:
        contract: Name of the table's contract.
    """

    def __init__(self, contract: str) -> None:
        self._contract = contract_of(contract)

    def validate(self, data: Derivation | Append) -> Derivation | Append:
        """The data, checked or to be checked.

        Raises:
            ContractError: When rows of an append break the contract; names the rules and some of the rows.
        """
        if isinstance(data, Append):
            require_promises(pl.DataFrame(data.rows), self._contract)
            return data
        return replace(data, inspect=partial(require_promises, contract=self._contract))
