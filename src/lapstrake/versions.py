"""Semantic versions and constraints."""
