"""Command line ``tensorloom``."""
