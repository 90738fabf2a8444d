"""The report: the pages of the dashboard as one file that opens offline, and as a PDF."""
