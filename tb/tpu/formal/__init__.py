"""What parts of the TPU must do, as specifications for the solver."""
