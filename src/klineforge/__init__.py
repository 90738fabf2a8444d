"""KlineForge turns crypto exchanges' hourly candles into a warehouse that can be trusted with money decisions."""

__version__ = "0.1.0"
