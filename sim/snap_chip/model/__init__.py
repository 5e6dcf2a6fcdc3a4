"""The cycle model of the SNAP chip: its state, and compiled functions that step through cycles."""
