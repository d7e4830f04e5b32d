from __future__ import annotations

import pytest

from lapstrake.http.redaction import without_passwords


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(
            "fatal: 'https://me:secret@e.test/r.git/'", "fatal: 'https://e.test/r.git/'", id="password"
        ),
        pytest.param("https://token@e.test/r", "https://e.test/r", id="token"),
        pytest.param("https://e.test/a@b", "https://e.test/a@b", id="path"),
        pytest.param("git@e.test:r.git", "git@e.test:r.git", id="no-url"),
    ],
)
def test_users_part_of_urls_goes(text, shown):
    assert without_passwords(text) == shown
