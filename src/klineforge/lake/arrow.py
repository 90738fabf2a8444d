"""A contract as an Arrow schema, and rows in memory brought into it."""

from __future__ import annotations

import pyarrow as pa

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
