"""The TPU's exact cycle model: its state, and the compiled functions that go through cycles."""
