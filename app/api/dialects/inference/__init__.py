"""The Open Inference Protocol, version 2, with its extensions for binary tensors and for model repositories."""
