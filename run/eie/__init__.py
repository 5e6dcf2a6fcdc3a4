"""EIE as an engine."""
