"""One transform per table: frames in, the contract's columns out. No session, no path, no action."""
