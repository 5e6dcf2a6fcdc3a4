"""Memory and what engines read and write it with, cycle by cycle: what their exact models have in common."""
