"""The cycle model of the SNAP core: its state, and compiled functions that step through cycles."""
