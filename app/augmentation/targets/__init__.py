"""Targets: boxes, keypoints, masks and labels that follow the pixels."""
