"""What two engines share: memories, delay lines, stream helpers."""
