"""One step of training, for every family."""
