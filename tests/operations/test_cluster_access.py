from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from lapstrake.errors import InputError, NotFoundError
from lapstrake.operations.cluster_access import Access, file_contents

NOW = 1_700_000_000.0


class Cluster:
    """Knows one service account and one Secret; counts the tokens it gave."""

    def __init__(self):
        self.uid = "u1"
        self.tokens = 0

    def get(self, rt, namespace, name):
        if (rt.kind, name) == ("ServiceAccount", "sa"):
            return {"metadata": {"name": "sa", "uid": self.uid}}
        if (rt.kind, name) == ("Secret", "kc"):
            return {"kind": "Secret", "data": {"value": base64.b64encode(b"kubeconfig").decode()}}
        raise NotFoundError(f'{rt.resource} "{name}" not found')

    def create_token(self, namespace, name, *, seconds):
        self.tokens += 1
        return f"token-{self.tokens}", datetime.fromtimestamp(NOW + seconds, UTC)

    def with_token(self, token):
        return f"client with {token}"


def app(**spec):
    return {"metadata": {"name": "a", "namespace": "n"}, "spec": spec}


def access(cluster, now=lambda: NOW):
    return Access(cluster, from_kubeconfig=lambda text: f"client of {text}", now=now)


def test_token_is_kept_until_shortly_before_its_end():
    cluster, now = Cluster(), [NOW]
    ours = access(cluster, lambda: now[0])
    places = [ours.place(app(serviceAccountName="sa")) for _ in range(2)]
    now[0] += 3100
    places.append(ours.place(app(serviceAccountName="sa")))
    assert [place.cluster for place in places] == ["client with token-1"] * 2 + ["client with token-2"]
    assert places[0].namespace == "n"


def test_account_made_anew_gets_a_token_of_its_own():
    cluster = Cluster()
    ours = access(cluster)
    ours.place(app(serviceAccountName="sa"))
    cluster.uid = "u2"
    assert ours.place(app(serviceAccountName="sa")).cluster == "client with token-2"


def test_kubeconfig_leads_to_another_cluster():
    place = access(Cluster()).place(app(cluster={"namespace": "m", "kubeconfigSecretRef": {"name": "kc"}}))
    assert (place.cluster, place.namespace) == ("client of kubeconfig", "m")


def test_client_of_a_kubeconfig_is_kept():
    opened = []
    ours = Access(Cluster(), from_kubeconfig=lambda text: opened.append(text) or object(), now=lambda: NOW)
    there = app(cluster={"kubeconfigSecretRef": {"name": "kc"}})
    assert ours.place(there).cluster is ours.place(there).cluster
    assert opened == ["kubeconfig"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "Preparing kapp: Expected service account or cluster specified"),
        (
            {"serviceAccountName": "nobody"},
            'Preparing kapp: Getting service account: serviceaccounts "nobody" not found',
        ),
        (
            {"cluster": {"kubeconfigSecretRef": {"name": "none"}}},
            'Preparing kapp: Getting kubeconfig secret: secrets "none" not found',
        ),
    ],
)
def test_rights_that_cannot_be_had(spec, message):
    with pytest.raises(InputError) as raised:
        access(Cluster()).place(app(**spec))
    assert str(raised.value) == message


def test_files_of_secrets_and_config_maps():
    secret = {"kind": "Secret", "data": {"b": base64.b64encode(b"2").decode(), "a": ""}}
    assert list(file_contents(secret).items()) == [("a", b""), ("b", b"2")]
    config_map = {"kind": "ConfigMap", "data": {"t": "x"}, "binaryData": {"b": "/w=="}}
    assert file_contents(config_map) == {"b": b"\xff", "t": b"x"}
