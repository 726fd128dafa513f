"""From a recipe and images to a published version."""
