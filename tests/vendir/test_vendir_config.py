from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.vendir.config import Config
from lapstrake.vendir.config_reader import read
from lapstrake.vendir.describe import source_line

HEAD = "apiVersion: vendir.k14s.io/v1alpha1\nkind: Config\n"


def config_of(text: str):
    return read([("vendir.yml", (HEAD + text).encode())])[0]


def contents_of(text: str):
    return config_of(f"directories: [{{path: v, contents: [{text}]}}]").directories[0].contents[0]


def test_paths_are_cleaned_and_unknown_keys_ignored():
    config = config_of("directories:\n- {path: ./v/, colour: red, contents: [{path: x/../z, manual: {}}]}\n")
    assert config.directories[0].path_of(config.directories[0].contents[0]) == "v/z"


def test_printed_configuration_leaves_empty_values_out():
    assert config_of(
        "directories: [{path: v, contents: [{path: a, lazy: false, git: {url: u, ref: ''}}]}]"
    ).printed() == (
        "apiVersion: vendir.k14s.io/v1alpha1\n"
        "directories:\n- contents:\n  - git:\n      url: u\n    path: a\n  path: v\n"
        'kind: Config\nminimumRequiredVersion: ""\n'
    )


def test_printed_configuration_names_directories_only_if_there_are_some():
    assert Config(()).printed() == (
        'apiVersion: vendir.k14s.io/v1alpha1\nkind: Config\nminimumRequiredVersion: ""\n'
    )


def test_digest_of_lazy_contents_is_the_original_tools():
    contents = contents_of("{path: a, lazy: true, directory: {path: src/docs}}")
    assert contents.digest == "a5d446c919c5a65f8cd2e152fdb088fdb4fcf985e6c7d265b63bce356b8beabf"


@pytest.mark.parametrize(
    ("contents", "line"),
    [
        pytest.param("{path: a, git: {url: u, ref: main}}", "git from u@main", id="git"),
        pytest.param(
            "{path: a, image: {url: u, tagSelection: {semver: {constraints: '>1.0.0'}}}}",
            'image from u:tag={"semver":{"constraints":">1.0.0"}}',
            id="image",
        ),
        pytest.param("{path: a, image: {}}", "image from ?", id="no-image"),
        pytest.param("{path: a, hg: {url: u}}", "hg from u@?", id="no-ref"),
        pytest.param("{path: a, git: {url: u, ref: r, refSelection: {}}}", "git from u@r", id="ref-first"),
        pytest.param(
            "{path: a, git: {url: u, refSelection: {semver: {prereleases: {}}}}}",
            'git from u@ref={"semver":{"prereleases":{}}}',
            id="git-selection",
        ),
        pytest.param("{path: a, githubRelease: {slug: s/t}}", "github release ", id="no-release"),
        pytest.param(
            "{path: a, githubRelease: {slug: s/t, latest: true, tagSelection: {semver: {constraints: '>1'}}}}",
            "github release s/t@[>1]",
            id="release-selection",
        ),
        pytest.param(
            "{path: a, githubRelease: {slug: s/t, latest: true}}", "github release s/t@latest", id="release"
        ),
        pytest.param(
            "{path: a, helmChart: {name: web, repository: {url: r}}}",
            "helm chart from r@web:latest",
            id="chart",
        ),
        pytest.param("{path: a, inline: {}}", "inline", id="inline"),
    ],
)
def test_source_is_described(contents, line):
    assert source_line(contents_of(contents)) == line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "directories: [{path: .., contents: []}]",
            "Validating directory '..' (0): Expected path to not be one of '/', '.', '..', ''",
            id="folder",
        ),
        pytest.param(
            "directories: [{path: v, contents: [{path: ../x, manual: {}}]}]",
            "Validating directory 'v' (0): Validating directory contents '../x' (0): Invalid path: ../x",
            id="contents-that-leave",
        ),
        pytest.param(
            "directories: [{path: a/b, contents: []}, {path: a, contents: []}]",
            "Expected to not manage overlapping paths: 'a/b' and 'a'",
            id="overlap",
        ),
        pytest.param(
            "directories: [{path: ../.., contents: []}]",
            "Validating directory '../..' (0): Invalid path: ../..",
            id="folder-above",
        ),
        pytest.param(
            "directories: [{path: v, contents: [{path: a, inline: {}}, {path: a/b, inline: {}}]}]",
            "Expected to not manage overlapping paths: 'v/a/b' and 'v/a'",
            id="overlap-within",
        ),
        pytest.param(
            "minimumRequiredVersion: newest",
            "Parsing minimum version constraint: Malformed constraint: >=newest",
            id="no-version",
        ),
        pytest.param(
            "minimumRequiredVersion: 900.0.0",
            "vendir version '0.40.0' does not meet the minimum required version '900.0.0'",
            id="version",
        ),
    ],
)
def test_bad_configuration_is_refused(text, message):
    with pytest.raises(InputError) as caught:
        config_of(text)
    assert (
        str(caught.value)
        == f"Parsing resource config 'vendir.yml': Unmarshaling config: Validating config: {message}"
    )


@pytest.mark.parametrize("version", ["0.40", "0.40.0.0", "0.1.0-rc.1"])
def test_minimum_version_may_be_shorter_or_longer(version):
    assert config_of(f"minimumRequiredVersion: '{version}'").minimum_version == version


def test_secrets_stand_beside_the_configuration():
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {user: YWRtaW4=}\n"
    _, references = read([("vendir.yml", (HEAD + "---\n" + secret).encode())])
    assert references.secrets == {"s": {"user": b"admin"}}


def test_two_different_secrets_of_one_name_are_refused():
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {user: %s}\n"
    with pytest.raises(InputError) as caught:
        read([("a.yml", f"{secret % 'YQ=='}---\n{secret % 'Yg=='}".encode())])
    assert (
        str(caught.value)
        == "Parsing resource config 'a.yml': Expected to find one secret 's', but found multiple"
    )


def test_config_maps_of_one_name_cannot_be_used():
    config_map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '1'}\n"
    _, references = read([("vendir.yml", (HEAD + config_map * 2).encode())])
    assert references.config_maps == {}
    assert references.several_config_maps == {"c"}


@pytest.mark.parametrize(
    ("source", "line"),
    [
        pytest.param(
            "git: {url: 'https://me:s3cret@e.test/r', ref: main}", "git from https://e.test/r@main", id="git"
        ),
        pytest.param(
            "git: {url: 'ssh://git@e.test/r', ref: main}", "git from ssh://git@e.test/r@main", id="ssh"
        ),
        pytest.param("http: {url: 'https://t0ken@e.test/f'}", "http from https://e.test/f", id="token"),
        pytest.param(
            "helmChart: {name: web, repository: {url: 'https://me:s3cret@e.test'}}",
            "helm chart from https://e.test@web:latest",
            id="chart",
        ),
    ],
)
def test_line_about_a_source_shows_no_password(source, line):
    assert source_line(contents_of(f"{{path: a, {source}}}")) == line
