"""What the SNAP chip gives to the contract."""
