"""How good generated images are: metrics as pure functions of arrays, and the protocol that puts them together."""
