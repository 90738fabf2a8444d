"""The arithmetic of the tables: functions from columns to a column, and the windows they are taken over."""
