"""What the SNAP chip finds in memory, and what it makes of it."""
