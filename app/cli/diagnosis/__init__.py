"""What ``fount doctor`` looks at, one check per function."""
