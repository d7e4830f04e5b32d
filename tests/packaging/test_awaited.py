from __future__ import annotations

from lapstrake.packaging.awaited import Awaited, arrived, awaited

MISSING_KINDS = """kapp: Error: Expected to find kind 'cert-manager.io/v1/Certificate', but did not:
- Kubernetes API server did not have matching apiVersion + kind
- No matching CRD was found in given configuration"""
FAILED_CHILD = (
    "kapp: Error: waiting on reconcile packageinstall/my-opinionated-config "
    "(packaging.carvel.dev/v1alpha1) namespace: default:\n  Finished unsuccessfully (Reconcile failed: x)"
)


def test_errors_tell_what_they_miss():
    assert awaited(MISSING_KINDS) == {Awaited("kind", "Certificate", "cert-manager.io")}
    assert awaited(FAILED_CHILD) == {Awaited("packageinstall", "my-opinionated-config", "default")}
    assert awaited('namespaces "external-dns" not found (reason: NotFound)') == {
        Awaited("namespace", "external-dns")
    }
    assert awaited("anything else") == frozenset()


def definition(established):
    return {
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "certificates.cert-manager.io"},
        "spec": {"group": "cert-manager.io", "names": {"kind": "Certificate"}},
        "status": {"conditions": [{"type": "Established", "status": "True" if established else "False"}]},
    }


def test_kind_arrives_when_it_is_established():
    certificate = Awaited("kind", "Certificate", "cert-manager.io")
    assert arrived(definition(False), definition(True)) == certificate
    assert arrived(None, definition(True)) == certificate
    assert arrived(definition(True), definition(True)) is None
    assert arrived(definition(True), None) is None


def test_child_arrives_when_it_succeeds():
    def install(kind):
        return {
            "kind": "PackageInstall",
            "metadata": {"name": "a", "namespace": "n"},
            "status": {"conditions": [{"type": kind, "status": "True"}]},
        }

    assert arrived(install("Reconciling"), install("ReconcileSucceeded")) == Awaited(
        "packageinstall", "a", "n"
    )
    assert arrived(install("Reconciling"), install("ReconcileFailed")) is None


def test_namespace_arrives_once():
    namespace = {"kind": "Namespace", "metadata": {"name": "x"}}
    assert arrived(None, namespace) == Awaited("namespace", "x")
    assert arrived(namespace, namespace) is None
