"""Networks that make images, one architecture per file, and the discriminators that train them."""
