"""Alerts: events found in the marts and in the lake's health, kept in a table, delivered to people."""
