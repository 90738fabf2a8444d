"""A contract as an Arrow schema, and rows in memory brought into it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from klineforge.domain.contract import SqlType, TableContract
from klineforge.errors import ContractError

_TYPES: dict[SqlType, pa.DataType] = {
    "STRING": pa.string(),
    "BIGINT": pa.int64(),
    "INT": pa.int32(),
    "DOUBLE": pa.float64(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "DATE": pa.date32(),
    "BOOLEAN": pa.bool_(),
    "ARRAY<STRING>": pa.list_(pa.string()),
}


def arrow_schema(contract: TableContract, *, stored: bool = False) -> pa.Schema:
    """The Arrow schema of a contract's rows.

    Args:
        contract: Table to describe.
        stored: With the columns of its layout and its partition, as they stand in the table.
    """
    columns = contract.all_columns if stored else contract.columns
    return pa.schema([pa.field(column.name, _TYPES[column.type], nullable=column.nullable) for column in columns])


def conformed(rows: pa.Table, contract: TableContract) -> pa.Table:
    """Rows with exactly the stored columns of a contract, in its types.

    Args:
        rows: At least the contract's columns; text and lists may be of Arrow's large kinds.
        contract: What the table promises.

    Raises:
        ContractError: When a column is missing, cannot be converted without loss, or is null where it must not be.
    """
    schema = arrow_schema(contract, stored=True)
    missing = [name for name in schema.names if name not in rows.column_names]
    if missing:
        raise ContractError(f"table {contract.name}: columns {', '.join(missing)} are missing; nothing was written")
    for field in schema:
        if not field.nullable and rows[field.name].null_count:
            raise ContractError(
                f"table {contract.name}: NOT NULL constraint violated for column: {field.name}; nothing was written"
            )
    try:
        return rows.select(schema.names).cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ContractError(f"table {contract.name}: {error}; nothing was written") from error


def ordered(rows: pa.Table, names: Sequence[str]) -> pa.Table:
    """Rows in ascending order of some columns, equal ones as they were, nulls last.

    Rows that are in order already, as those of bronze are, are not sorted: it costs more than writing them.
    """
    if not names or _is_ordered(rows, names):
        return rows.combine_chunks()
    return rows.sort_by([(name, "ascending") for name in names])


def _is_ordered(rows: pa.Table, names: Sequence[str]) -> bool:
    """Whether no row has to move; nulls, and numbers that are none, are left to whoever sorts."""
    if rows.num_rows < 2:
        return True
    apart = pa.repeat(pa.scalar(value=False), rows.num_rows - 1)
    for name in names:
        column = rows[name].combine_chunks()
        if column.null_count:
            return False
        here, following = column[:-1], column[1:]
        if not pc.all(pc.or_(apart, pc.less_equal(here, following))).as_py():
            return False
        apart = pc.or_(apart, pc.less(here, following))
    return True
