"""What KlineForge costs: measured as whole processes, against a floor and against other engines on the same candles."""
