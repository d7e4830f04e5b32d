from __future__ import annotations

from pathlib import Path

import pytest

from lapstrake.adapters.kubeconfig import load_access
from lapstrake.errors import InputError

ONE = """
apiVersion: v1
kind: Config
current-context: one
clusters: [{name: c1, cluster: {server: "https://one.test:6443/", insecure-skip-tls-verify: true}}]
contexts:
- {name: one, context: {cluster: c1, user: u1, namespace: shop}}
- {name: two, context: {cluster: c2, user: u1}}
users: [{name: u1, user: {token: abc}}]
"""
TWO = """
current-context: two
clusters:
- {name: c1, cluster: {server: "https://ignored.test"}}
- {name: c2, cluster: {server: "https://two.test", certificate-authority: ca.pem}}
"""


def test_kubeconfig_context_and_namespace() -> None:
    access = load_access(contents=ONE)
    assert (access.server, access.namespace, access.insecure) == ("https://one.test:6443", "shop", True)
    assert access.token is not None
    assert access.token() == "abc"


def test_kubeconfig_files_are_merged_first_wins(tmp_path: Path) -> None:
    (tmp_path / "one").write_text(ONE)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "two").write_text(TWO)
    (tmp_path / "sub" / "ca.pem").write_bytes(b"PEM")
    env = {"KUBECONFIG": f"{tmp_path}/one:{tmp_path}/absent:{tmp_path}/sub/two"}
    assert load_access(environment=env).server == "https://one.test:6443"
    second = load_access(context="two", environment=env)
    assert (second.server, second.ca, second.namespace) == ("https://two.test", b"PEM", "default")


def test_kubeconfig_explicit_file_must_exist() -> None:
    with pytest.raises(InputError) as caught:
        load_access("none.kubeconfig", environment={})
    assert str(caught.value) == "Building Kubernetes config: stat none.kubeconfig: no such file or directory"


def test_kubeconfig_unknown_context() -> None:
    with pytest.raises(InputError, match='context "x" does not exist'):
        load_access(contents=ONE, context="x")


def test_kubeconfig_exec_plugin() -> None:
    text = """
current-context: x
clusters: [{name: c, cluster: {server: "https://c.test"}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: sh
      args: [-c, 'echo "{\\"status\\": {\\"token\\": \\"$WORD\\"}}"']
      env: [{name: WORD, value: secret}]
"""
    access = load_access(contents=text, environment={"PATH": "/usr/bin:/bin"})
    assert access.token is not None
    assert access.token() == "secret"
