"""The dashboard: five pages in the browser, by Streamlit (``make app``). Reads Delta tables, starts no Spark."""
