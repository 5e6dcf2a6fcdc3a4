"""The SNAP compute core: sparse convolution by associative index matching and two-level reduction."""
