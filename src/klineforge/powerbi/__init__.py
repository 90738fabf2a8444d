"""A Power BI project over the lake: semantic model as TMDL, report as PBIR, from contracts and the metric registry."""
