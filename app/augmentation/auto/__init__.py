"""Published policies, as they are: they choose among operations and draw their parameters by tables."""
