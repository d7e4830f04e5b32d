"""``python -m lapstrake``."""

from __future__ import annotations

import sys

from lapstrake.cli.main import lapstrake

sys.exit(lapstrake())
