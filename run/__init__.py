"""The contract of an engine, one descriptor each, and what runs a job on one."""
