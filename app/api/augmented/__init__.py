"""From a form with images to augmented ones: read, cut into jobs, run them, pack what comes back."""
