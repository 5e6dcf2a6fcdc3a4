"""What memory ports must do, as specifications for the solver."""
