from __future__ import annotations

import pytest

from lapstrake.http.redaction import redacted, without_passwords


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


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("http://h/v2/?scope=b&service=a", "http://h/v2/?scope=b&service=a", id="protocol"),
        pytest.param(
            "http://h/u?digest=sha256%3A1&_state=x",
            "http://h/u?_state=REDACTED&digest=sha256%3A1",
            id="sorted",
        ),
        pytest.param("http://h/x?sig=s3cret&", "http://h/x?&sig=REDACTED", id="signature"),
        pytest.param("http://me:s3cret@h/x", "http://me:***@h/x", id="password"),
        pytest.param("http://h/x", "http://h/x", id="nothing"),
    ],
)
def test_addresses_show_what_is_no_secret(url, shown):
    assert redacted(url) == shown
