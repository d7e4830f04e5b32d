"""Bundles: images that carry configuration and the lock of the images it needs."""
