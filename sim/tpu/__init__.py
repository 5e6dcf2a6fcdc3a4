"""What programs of the TPU say, and what they do, from the table of instructions alone."""
