"""Schemas of data values: types from a schema document, checking and completing values, OpenAPI export."""
