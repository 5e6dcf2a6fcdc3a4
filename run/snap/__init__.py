"""What the SNAP core gives to the contract."""
