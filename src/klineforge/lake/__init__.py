"""Delta tables: where they are, what their log says, how they are read and written."""
