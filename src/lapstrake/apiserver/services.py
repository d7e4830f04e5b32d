"""Addresses and node ports of Services.

facts/kube-api.md section 7; recorded in vectors/kube/crud/service-defaults and service-types.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Mapping
from typing import Any

from lapstrake.apiserver.store import Collection, Store

_SERVICES = Collection("", "services")
_NETWORK = ipaddress.ip_network("10.96.0.0/16")
_NODE_PORTS = range(30000, 32768)
_WITH_NODE_PORTS = ("NodePort", "LoadBalancer")
_OF_ADDRESSES = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")


class Services:
    """Prepares Services; what other Services in ``store`` have is not given again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def prepare(self, new: dict[str, Any], old: Mapping[str, Any] | None) -> None:
        """Complete a Service in place: cluster IPs, families, node ports; those it has are kept."""
        spec = new.setdefault("spec", {})
        before: Mapping[str, Any] = (old or {}).get("spec") or {}
        if old is None:
            new["status"] = {"loadBalancer": {}}
        if spec.get("type") == "ExternalName":
            if before.get("type") not in (None, "ExternalName"):
                for name in _OF_ADDRESSES:
                    spec.pop(name, None)
            return
        if before.get("type") != "ExternalName":
            _keep_addresses(spec, before)
        if not spec.get("clusterIP"):
            spec["clusterIP"] = self._free_address()
        if not spec.get("clusterIPs"):
            spec["clusterIPs"] = [spec["clusterIP"]]
        spec.setdefault("ipFamilies", ["IPv6" if ":" in spec["clusterIP"] else "IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        spec.setdefault("internalTrafficPolicy", "Cluster")
        self._set_node_ports(spec, before)

    def _others(self) -> list[Mapping[str, Any]]:
        return [item.object.get("spec") or {} for _, item in self._store.list(_SERVICES)[0]]

    def _free_address(self) -> str:
        taken = {spec.get("clusterIP") for spec in self._others()}
        while True:
            # The first addresses are left to those who choose their own.
            address = str(_NETWORK[random.randrange(256, _NETWORK.num_addresses - 1)])
            if address not in taken:
                return address

    def _set_node_ports(self, spec: dict[str, Any], before: Mapping[str, Any]) -> None:
        ports = spec.get("ports") or []
        had = {_port_key(port): port.get("nodePort") for port in before.get("ports") or ()}
        if spec.get("type") not in _WITH_NODE_PORTS:
            if before.get("type") in _WITH_NODE_PORTS:
                for port in ports:
                    port.pop("nodePort", None)
            return
        if spec.get("allocateLoadBalancerNodePorts") is False:
            return
        taken: set[Any] = {port.get("nodePort") for port in ports}
        for port in ports:
            if not port.get("nodePort"):
                kept = had.get(_port_key(port))
                if kept and kept not in taken:
                    port["nodePort"] = kept
                else:
                    port["nodePort"] = self._free_port(taken)
                taken.add(port["nodePort"])

    def _free_port(self, taken: set[Any]) -> int:
        used = {port.get("nodePort") for spec in self._others() for port in spec.get("ports") or ()} | taken
        return random.choice([number for number in _NODE_PORTS if number not in used])


def _keep_addresses(spec: dict[str, Any], before: Mapping[str, Any]) -> None:
    for name in _OF_ADDRESSES:
        if not spec.get(name) and before.get(name):
            spec[name] = before[name]


def _port_key(port: Mapping[str, Any]) -> tuple[Any, Any]:
    return port.get("port"), port.get("protocol", "TCP")
