"""Binance spot: public archive and REST interface."""
