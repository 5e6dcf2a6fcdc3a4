"""Networks from files on the machines."""
