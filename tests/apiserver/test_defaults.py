from __future__ import annotations

from typing import Any

import pytest

from lapstrake.apiserver.defaults import fill

CONTAINER_DEFAULTS = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}


def pod_spec(**members: Any) -> dict[str, Any]:
    spec: dict[str, Any] = fill("core.v1.Pod", {"spec": members})["spec"]
    return spec


def test_deployment() -> None:
    spec = fill("apps.v1.Deployment", {"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}})[
        "spec"
    ]
    template = spec.pop("template")["spec"]
    assert spec == {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
    }
    assert template["containers"] == [{"name": "a", "imagePullPolicy": "Always", **CONTAINER_DEFAULTS}]
    assert "enableServiceLinks" not in template


def test_given_values_stay() -> None:
    given = {"replicas": 0, "strategy": {"type": "Recreate"}}
    spec = fill("apps.v1.Deployment", {"spec": dict(given)})["spec"]
    assert {key: spec[key] for key in given} == given


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        pytest.param("app", "Always", id="no tag"),
        pytest.param("host:5000/app", "Always", id="port is no tag"),
        pytest.param("host:5000/app:latest", "Always", id="latest"),
        pytest.param("app:1", "IfNotPresent", id="tag"),
        pytest.param("app@sha256:00", "IfNotPresent", id="digest"),
    ],
)
def test_image_pull_policy(image: str, policy: str) -> None:
    assert pod_spec(containers=[{"name": "a", "image": image}])["containers"][0]["imagePullPolicy"] == policy


def test_pod_requests_what_it_limits() -> None:
    container = {
        "name": "a",
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1m"}},
    }
    found = pod_spec(containers=[container])["containers"][0]["resources"]["requests"]
    assert found == {"cpu": "1m", "memory": "1Gi"}


def test_volumes_and_probes() -> None:
    spec = pod_spec(
        containers=[{"name": "a", "livenessProbe": {"httpGet": {"port": 80}}}],
        volumes=[{"name": "c", "configMap": {"name": "x"}}, {"name": "e"}],
    )
    assert spec["volumes"] == [
        {"name": "c", "configMap": {"name": "x", "defaultMode": 420}},
        {"name": "e", "emptyDir": {}},
    ]
    assert spec["containers"][0]["livenessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def test_secret_folds_string_data() -> None:
    found = fill(
        "core.v1.Secret", {"data": {"keep": "eA==", "user": "b2xk"}, "stringData": {"user": "fresh"}}
    )
    assert found == {"data": {"keep": "eA==", "user": "ZnJlc2g="}, "type": "Opaque"}


def test_service_target_port_follows_port() -> None:
    spec = fill("core.v1.Service", {"spec": {"ports": [{"port": 80}]}})["spec"]
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert (spec["type"], spec["internalTrafficPolicy"]) == ("ClusterIP", "Cluster")


def test_subjects_know_their_group() -> None:
    subjects = [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s", "namespace": "n"}]
    found = fill("rbac.v1.RoleBinding", {"roleRef": {"kind": "Role", "name": "r"}, "subjects": subjects})
    assert found["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io"
    assert [subject.get("apiGroup") for subject in found["subjects"]] == ["rbac.authorization.k8s.io", None]


def test_kinds_without_defaults_stay_as_they_are() -> None:
    assert fill("core.v1.ConfigMap", {"data": {"a": "1"}}) == {"data": {"a": "1"}}
