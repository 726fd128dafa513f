"""How good generated images are: figures that are pure functions of arrays, and the protocols that put them together."""
