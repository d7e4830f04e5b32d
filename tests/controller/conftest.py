from __future__ import annotations

import gc

import pytest

from lapstrake.adapters.cluster import ClusterClient
from lapstrake.adapters.kubeconfig import load_access
from lapstrake.embedded.plane import ControlPlane, Settings
from lapstrake.embedded.state import State
from lapstrake.operations.install_crds import install_crds


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The folder of an embedded control plane."""
    return State(tmp_path_factory.mktemp("plane"))


@pytest.fixture(scope="module")
def cluster(state):
    """A client of an embedded API server that knows the controller's kinds; no controller runs."""
    plane = ControlPlane(Settings(state, api_port=0, registry_port=0, controller=False))
    plane.start()
    client = ClusterClient(load_access(str(state.kubeconfig)))
    install_crds(client)
    yield client
    client.close()
    gc.collect()  # connections close with their pools, which tracebacks of expected errors keep alive
    plane.stop()


@pytest.fixture
def namespace(cluster, request):
    """A namespace of the test's own."""
    name = request.node.name.replace("_", "-").replace("[", "-").replace("]", "")[:60].strip("-")
    rt = cluster.resource_type("v1", "Namespace")
    cluster.create(rt, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name
