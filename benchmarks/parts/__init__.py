"""The parts of the suite: each a function from the context to a section of the report."""
