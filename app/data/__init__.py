"""Training images from folders, archives and arrays, as uint8 NHWC with labels."""
