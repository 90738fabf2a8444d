"""The law: derived tables are a function of bronze, however its rows arrive. The machinery, once for all tables."""
