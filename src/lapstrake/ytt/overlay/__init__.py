"""Overlays: changing a document tree by another one whose nodes carry ``overlay/...`` annotations."""
