"""What a lake holds and how fresh it is, read from the Delta tables themselves and shown on a terminal. No Spark."""
