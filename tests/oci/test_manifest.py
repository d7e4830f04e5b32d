from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import (
    DOCKER_LAYER,
    Descriptor,
    ImageConfig,
    ImageManifest,
    Index,
    RawManifest,
    go_json,
    json_mapping,
    manifest_of,
)

ZEROS = "sha256:" + "0" * 64


def test_config_is_written_as_imgpkg_does() -> None:
    config = ImageConfig((Digest.parse(ZEROS),), {"b": "2", "a": "<é>"})
    assert config.to_bytes().decode() == (
        '{"architecture":"","created":"0001-01-01T00:00:00Z","history":[{"author":"imgpkg",'
        '"created":"0001-01-01T00:00:00Z","created_by":"imgpkg"}],"os":"","rootfs":{"type":"layers","diff_ids":['
        f'"{ZEROS}"]}},"config":{{"Labels":{{"a":"\\u003cé\\u003e","b":"2"}}}}}}'
    )


def test_config_without_labels_has_an_empty_config() -> None:
    assert ImageConfig(()).to_bytes().endswith(b'"diff_ids":[]},"config":{}}')


def test_config_reads_back_what_it_wrote() -> None:
    config = ImageConfig((Digest.parse(ZEROS),), {"a": "1"})
    assert ImageConfig.parse(config.to_bytes()) == config


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "EOF", id="nothing"),
        pytest.param(b"{", "unexpected EOF", id="no end"),
        pytest.param(b"hello", "invalid character 'h' looking for beginning of value", id="no JSON"),
        pytest.param(
            b"[]", "json: cannot unmarshal array into Go value of type v1.ConfigFile", id="no object"
        ),
        pytest.param(
            b'{"config":[]}',
            "json: cannot unmarshal array into Go struct field ConfigFile.config of type v1.Config",
            id="no configuration",
        ),
        pytest.param(
            b'{"config":{"Labels":[]}}',
            "json: cannot unmarshal array into Go struct field Config.config.Labels of type map[string]string",
            id="no labels",
        ),
        pytest.param(
            b'{"config":{"Labels":{"a":1}}}',
            "json: cannot unmarshal number into Go struct field Config.config.Labels of type string",
            id="no text",
        ),
    ],
)
def test_config_refuses_in_the_words_of_go(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        ImageConfig.parse(data)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "labels"),
    [
        pytest.param(b"null", {}, id="null"),
        pytest.param(b' {"config":{"Labels":{"a":"1"}}} rest', {"a": "1"}, id="something behind it"),
        pytest.param(b'{"Config":{"labels":{"a":null}}}', {"a": ""}, id="other case, null"),
    ],
)
def test_config_reads_what_go_reads(data: bytes, labels: dict[str, str]) -> None:
    assert ImageConfig.parse(data).labels == labels


def test_manifest_is_written_compactly_in_imgpkgs_order() -> None:
    layer = Descriptor(DOCKER_LAYER, 3, Digest.parse(ZEROS))
    manifest = manifest_of(b"{}", [layer])
    assert manifest.data.decode() == (
        '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":'
        f'"application/vnd.docker.container.image.v1+json","size":2,"digest":"{Digest.of(b"{}")}"}},"layers":['
        f'{{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":3,"digest":"{ZEROS}"}}]}}'
    )
    assert manifest.digest == Digest.of(manifest.data)
    assert manifest.image().layers == (layer,)


def test_index_reads_platforms() -> None:
    data = (
        b'{"manifests":[{"mediaType":"m","size":1,"digest":"' + ZEROS.encode() + b'",'
        b'"platform":{"os":"linux","architecture":"arm64","variant":"v8"}}]}'
    )
    (child,) = Index.parse(data).manifests
    assert child.platform is not None
    assert (child.platform.os, child.platform.architecture, child.platform.variant) == (
        "linux",
        "arm64",
        "v8",
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"nonsense", id="no JSON"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"layers":[]}', id="no config"),
        pytest.param(b'{"config":{"digest":"sha256:1"},"layers":[]}', id="bad digest"),
        pytest.param(b'{"config":{"digest":"%s","size":-1}}' % ZEROS.encode(), id="negative size"),
        pytest.param(
            b'{"config":{"digest":"%s"},"layers":{"a":1}}' % ZEROS.encode(), id="layers are no list"
        ),
        pytest.param(b"[" * 100_000, id="too deep"),
    ],
)
def test_manifest_refuses(data: bytes) -> None:
    with pytest.raises(InputError):
        ImageManifest.parse(data)


def test_raw_manifest_keeps_its_bytes() -> None:
    raw = RawManifest.of("m", b' {"config":  {}} ')
    assert raw.data == b' {"config":  {}} '
    assert raw.descriptor.size == 17


def test_bytes_that_are_no_utf8_are_written_as_go_does() -> None:
    assert go_json({"a": "x\udcff\u2603"}) == b'{"a":"x\\ufffd\xe2\x98\x83"}'


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param(rb'{"a": "\ud800x\u2603"}', "\ufffdx\u2603", id="escaped"),
        pytest.param(b'{"a": "\xed\xa0\x80x\xe2\x98\x83"}', "\ufffd\ufffd\ufffdx\u2603", id="bytes"),
    ],
)
def test_half_characters_of_strangers_are_replaced(text: bytes, read: str) -> None:
    assert json_mapping(text, "x") == {"a": read}
