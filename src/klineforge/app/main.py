"""What Streamlit runs for every look at a page; ``klineforge.app.launch`` starts it."""

from __future__ import annotations

from klineforge.app.shell import show

show()
