"""From a trained generator to a version in the repository."""
