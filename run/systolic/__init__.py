"""What the matrix unit gives to the contract."""
