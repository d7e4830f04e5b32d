"""What the server adds to Pods, Services and Jobs."""

from __future__ import annotations

from typing import Any

import pytest

from lapstrake.apiserver.pods import quality
from tests.apiserver.api_client import Client

CORE = "/api/v1/namespaces/default"
MERGE = {"Content-Type": "application/merge-patch+json"}
CONTAINER = {"name": "c", "image": "i"}


def test_pod_gets_account_volume_and_status(api: Client) -> None:
    api.until(f"{CORE}/serviceaccounts/default", lambda answer: answer.status == 200)
    made = api.create(f"{CORE}/pods", "p", spec={"containers": [CONTAINER]})
    spec = made["spec"]
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("default", "default")
    assert spec["volumes"][0]["name"] == spec["containers"][0]["volumeMounts"][0]["name"]
    assert [toleration["tolerationSeconds"] for toleration in spec["tolerations"]] == [300, 300]
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_pod_without_token(api: Client) -> None:
    made = api.create(
        f"{CORE}/pods", "p", spec={"containers": [CONTAINER], "automountServiceAccountToken": False}
    )
    assert "volumes" not in made["spec"]


def test_pod_of_a_missing_account(api: Client) -> None:
    spec = {"containers": [CONTAINER], "serviceAccountName": "none"}
    answer = api("POST", f"{CORE}/pods", {"metadata": {"name": "p"}, "spec": spec})
    assert answer.status == 403
    assert answer.json["message"] == (
        'pods "p" is forbidden: error looking up service account default/none: serviceaccount "none" not found'
    )


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param({}, "BestEffort", id="nothing"),
        pytest.param({"requests": {"cpu": "1"}}, "Burstable", id="requests"),
        pytest.param(
            {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}},
            "Guaranteed",
            id="equal",
        ),
        pytest.param({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}, "Burstable", id="no-memory"),
    ],
)
def test_quality_of_service(resources: dict[str, Any], expected: str) -> None:
    assert quality({"containers": [{"resources": resources}]}) == expected


def service(api: Client, name: str, **spec: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.create(f"{CORE}/services", name, spec={"ports": [{"port": 80}], **spec})
    return made["spec"]  # type: ignore[no-any-return]


def test_service_gets_an_address_and_keeps_it(api: Client) -> None:
    first, second = service(api, "a"), service(api, "b")
    assert first["clusterIP"] != second["clusterIP"]
    assert first["clusterIPs"] == [first["clusterIP"]]
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "a"},
        "spec": {"ports": [{"port": 81}]},
    }
    assert api("PUT", f"{CORE}/services/a", body).json["spec"]["clusterIP"] == first["clusterIP"]


def test_headless_and_external_services(api: Client) -> None:
    assert service(api, "a", clusterIP="None")["clusterIPs"] == ["None"]
    made = api.create(f"{CORE}/services", "b", spec={"type": "ExternalName", "externalName": "e.example.com"})
    assert "clusterIP" not in made["spec"]


def test_node_ports_come_and_go_with_the_type(api: Client) -> None:
    made = service(api, "a", type="NodePort")
    port = made["ports"][0]["nodePort"]
    assert 30000 <= port <= 32767
    labelled = api("PATCH", f"{CORE}/services/a", {"metadata": {"labels": {"x": "y"}}}, MERGE).json
    assert labelled["spec"]["ports"][0]["nodePort"] == port
    plain = api("PATCH", f"{CORE}/services/a", {"spec": {"type": "ClusterIP"}}, MERGE).json
    assert "nodePort" not in plain["spec"]["ports"][0]


def test_job_selects_its_pods_by_uid(api: Client) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [CONTAINER]}}
    made = api.create("/apis/batch/v1/namespaces/default/jobs", "j", spec={"template": template})
    uid = made["metadata"]["uid"]
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert made["spec"]["template"]["metadata"]["labels"]["job-name"] == "j"


def test_event_in_both_groups(api: Client) -> None:
    about = {"kind": "Pod", "name": "p", "namespace": "default"}
    api.create(f"{CORE}/events", "e", involvedObject=about, message="text", reason="r", type="Normal")
    other = api("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e").json
    assert (other["note"], other["regarding"]["name"]) == ("text", "p")


def test_autoscaler_in_both_versions(api: Client) -> None:
    spec = {
        "maxReplicas": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
        "targetCPUUtilizationPercentage": 70,
    }
    api.create("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", "h", spec=spec)
    other = api("GET", "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h").json
    assert other["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70
