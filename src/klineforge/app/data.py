"""The rows behind a chart or table: as a table, as CSV, as Parquet."""

from __future__ import annotations

import io
import json
from functools import partial

import polars as pl
import streamlit as st

from klineforge.views.page import Chart, Page, Table


def show_data(block: Chart | Table, page: Page) -> bool:
    """A small menu with what can be done with the rows.

    Args:
        block: What they are behind.
        page: Where it is; part of the file's name.

    Returns:
        Whether a chart is wanted as a table.
    """
    key = f"{page.key}-{block.key}"
    as_table = False
    with st.popover("Data", icon=":material/download:", key=f"data-{key}", type="tertiary"):
        st.markdown(f"**{block.title}**: {block.frame.height:,} rows, figures unrounded, times UTC")
        if isinstance(block, Chart):
            as_table = st.toggle("Show as a table", key=f"as-table-{key}")
        for kind, name, mime, make in (
            ("csv", "CSV", "text/csv", csv_of),
            ("parquet", "Parquet", "application/vnd.apache.parquet", parquet_of),
        ):
            st.download_button(
                f"Download {name}",
                partial(make, block.frame),
                f"klineforge_{page.key}_{block.key}.{kind}",
                mime,
                key=f"{kind}-{key}",
                on_click="ignore",
                icon=":material/download:",
            )
    return as_table


def csv_of(frame: pl.DataFrame) -> bytes:
    """Rows as CSV in UTF-8; times in ISO 8601 with their zone, lists as JSON.

    Args:
        frame: The rows.
    """
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    flat = frame.with_columns(
        pl.col(name).map_elements(lambda values: json.dumps(list(values)), return_dtype=pl.String) for name in lists
    )
    return flat.write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ").encode()


def parquet_of(frame: pl.DataFrame) -> bytes:
    """Rows as a Parquet file.

    Args:
        frame: The rows.
    """
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()
