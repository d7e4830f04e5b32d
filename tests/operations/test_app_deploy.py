from __future__ import annotations

import pytest

from lapstrake.operations.app_deploy import KappOutcome, deploy_app
from lapstrake.operations.cluster_access import Place


class Access:
    def place(self, app):
        return Place(None, app["metadata"]["namespace"])


class Kapp:
    """Remembers what it was asked for."""

    def deploy(self, request, publish, cancelled):
        self.request = request
        return KappOutcome(0, "", "")


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        pytest.param([], ("--app-changes-max-to-keep=5",), id="five-are-kept"),
        pytest.param(
            ["--app-changes-max-to-keep=9"],
            ("--app-changes-max-to-keep=5", "--app-changes-max-to-keep=9"),
            id="last-one-holds",
        ),
    ],
)
def test_changes_kept(given, flags):
    app = {
        "metadata": {"name": "one", "namespace": "ns"},
        "spec": {"serviceAccountName": "sa", "deploy": [{"kapp": {"rawOptions": given}}]},
    }
    kapp = Kapp()
    deploy_app(app, "", access=Access(), kapp=kapp, publish=lambda text: None, cancelled=lambda: False)
    assert kapp.request.flags == flags
