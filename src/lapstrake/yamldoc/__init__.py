"""YAML documents as a tree with comments and positions, read and written as Go's yaml.v2 does."""
