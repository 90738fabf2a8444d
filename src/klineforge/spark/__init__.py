"""The Spark session: made on first use, never by importing."""
