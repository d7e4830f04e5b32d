"""Flags that say which cluster and namespace, and the client they lead to."""

from __future__ import annotations

from lapstrake.cli.flags import Arguments, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.adapters.cluster import ClusterClient

KUBECONFIG_FLAGS = (
    Flag("kubeconfig", "string", "", "Path to the kubeconfig file ($KUBECONFIG by default)"),
    Flag("kubeconfig-context", "string", "", "Kubeconfig context override"),
    Flag("kubeconfig-yaml", "string", "", "Kubeconfig contents as YAML"),
)
NAMESPACE_FLAG = Flag("namespace", "string", "", "Specified namespace ('default' without one)", short="n")
ALL_NAMESPACES_FLAG = Flag("all-namespaces", "bool", False, "List in all namespaces", short="A")


def open_cluster(args: Arguments) -> ClusterClient:
    """Raises InputError if no cluster is configured."""
    from lapstrake.adapters.cluster import ClusterClient
    from lapstrake.adapters.kubeconfig import load_access

    access = load_access(args["kubeconfig"], args["kubeconfig-context"], contents=args["kubeconfig-yaml"])
    return ClusterClient(access)


def namespace_of(args: Arguments, client: ClusterClient) -> str:
    """The namespace of the flag, else the one of the kubeconfig's context."""
    return str(args["namespace"]) or client.namespace or "default"


def listed_namespace(args: Arguments, client: ClusterClient) -> str | None:
    """As ``namespace_of``; None for all of them."""
    return None if args["all-namespaces"] else namespace_of(args, client)


def place(namespace: str | None) -> str:
    """How titles of tables name it."""
    return "all namespaces" if namespace is None else f"namespace '{namespace}'"
