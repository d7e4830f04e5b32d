"""Pulls images and bundles for vendir's sources."""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.operations.fetch_image import Images, RegistryLogin


def open_images(login: RegistryLogin) -> Images:
    raise InputError("not there yet")
