"""EIE: fully connected layers straight from compressed weights."""
