"""Programs for the TPU: what they are made of, what they do, and what makes them of a network."""
