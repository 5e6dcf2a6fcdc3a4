"""What the SNAP core computes, how layers are mapped onto it, and its cycles."""
