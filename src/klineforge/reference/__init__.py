"""Facts that come with the package, versioned with it."""
