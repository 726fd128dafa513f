"""How fast the service is, as a share of the same generator in a plain loop, and beside other model servers."""
