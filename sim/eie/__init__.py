"""EIE: golden model, mapping and cycle model."""
