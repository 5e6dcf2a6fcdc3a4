"""The SNAP chip: cores, buffers, post-processing and memory ports."""
