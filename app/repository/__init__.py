"""The model repository: immutable versions with manifests, movable aliases; knows no torch and no HTTP."""
