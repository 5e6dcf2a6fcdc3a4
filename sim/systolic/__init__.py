"""What the matrix unit computes, how products are mapped onto it, and its cycles."""
