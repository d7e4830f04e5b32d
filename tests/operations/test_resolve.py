from __future__ import annotations

from collections.abc import Sequence

import pytest

from lapstrake.errors import InputError, RegistryError
from lapstrake.kbld.config import Destination, Source
from lapstrake.kbld.images import Built
from lapstrake.oci.manifest import Platform
from lapstrake.oci.reference import Reference, Repository
from lapstrake.operations.resolve import ResolveOptions, inspect, read_inputs, resolve
from lapstrake.operations.template import SourceFile

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "0c" * 32


class Known:
    """A registry that knows these tags."""

    def __init__(self, **digests: str) -> None:
        self._digests = digests

    def digest(self, reference: Reference) -> str:
        if reference.tag not in self._digests:
            raise RegistryError(f"GET {reference}: MANIFEST_UNKNOWN")
        return self._digests[reference.tag]

    def tags(self, repository: Repository) -> Sequence[str]:
        return [tag.replace("_", ".") for tag in self._digests]

    def platform_digests(self, reference: Reference, platform: Platform) -> Sequence[str] | None:
        return [OTHER] if platform.architecture == "arm" else []


class Unreachable:
    """A registry that must not be asked."""

    def digest(self, reference: Reference) -> str:
        raise AssertionError(f"asked for {reference}")

    def tags(self, repository: Repository) -> Sequence[str]:
        raise AssertionError(f"asked for the tags of {repository}")

    def platform_digests(self, reference: Reference, platform: Platform) -> Sequence[str] | None:
        raise AssertionError(f"asked for the platforms of {reference}")


def files(*texts: str) -> list[SourceFile]:
    return [SourceFile(f"{i}.yml", text.encode()) for i, text in enumerate(texts)]


def test_tag_becomes_digest_with_its_origin():
    result = resolve(files("image: example.test/app:v1\n"), ResolveOptions(), Known(v1=DIGEST))
    assert result.printed == (
        "---\n"
        f"image: example.test/app@{DIGEST}\n"
        "metadata:\n"
        "  annotations:\n"
        "    kbld.k14s.io/images: |\n"
        "      - origins:\n"
        "        - resolved:\n"
        "            tag: v1\n"
        "            url: example.test/app:v1\n"
        f"        url: example.test/app@{DIGEST}\n"
    )
    assert result.log_lines == [f"resolve | final: example.test/app:v1 -> example.test/app@{DIGEST}"]


def test_lock_settles_all_without_a_registry():
    given = files("image: example.test/app:v1\n")
    first = resolve(given, ResolveOptions(), Known(v1=DIGEST))
    lock = SourceFile(".imgpkg/images.yml", first.images_lock().encode())
    again = resolve([*given, lock], ResolveOptions(), Unreachable())
    assert again.documents[0]["image"] == f"example.test/app@{DIGEST}"
    assert again.images_lock().count("preresolved") == 1


def test_kbld_lock_repeats_the_result():
    given = files("image: example.test/app:v1\n")
    first = resolve(given, ResolveOptions(), Known(v1=DIGEST))
    again = resolve(
        [*given, SourceFile("lock.yml", first.kbld_lock().encode())], ResolveOptions(), Unreachable()
    )
    assert again.documents[0]["image"] == first.documents[0]["image"]


def test_lock_of_nothing_has_no_images():
    result = resolve(files("kind: X\n"), ResolveOptions(), Unreachable())
    assert result.images_lock() == "---\napiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n"
    assert result.printed == "---\nkind: X\n"


def test_digest_is_completed_and_annotated_with_null():
    result = resolve(files(f"image: nginx:v1@{DIGEST}\n"), ResolveOptions(), Unreachable())
    assert result.documents[0] == {
        "image": f"index.docker.io/library/nginx@{DIGEST}",
        "metadata": {"annotations": {"kbld.k14s.io/images": "null\n"}},
    }


def test_annotation_can_be_left_out():
    result = resolve(
        files(f"image: nginx@{DIGEST}\n"), ResolveOptions(images_annotation=False), Unreachable()
    )
    assert result.documents == ({"image": f"index.docker.io/library/nginx@{DIGEST}"},)


def test_all_failures_are_listed():
    with pytest.raises(InputError) as caught:
        resolve(files("image: e.test/aa:x\n---\nimage: Upper/Case\n"), ResolveOptions(), Known())
    assert str(caught.value) == (
        "\n- Resolving image 'Upper/Case': repository can only contain the characters "
        "`abcdefghijklmnopqrstuvwxyz0123456789_-./`: Upper/Case"
        "\n- Resolving image 'e.test/aa:x': GET e.test/aa:x: MANIFEST_UNKNOWN"
    )


def test_tag_is_selected_by_version():
    config = (
        "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\noverrides:\n"
        "- {image: app, newImage: e.test/app, tagSelection: {semver: {constraints: <2.0.0}}}\n"
    )
    known = Known(**{"1.9.0": DIGEST, "2.0.0": OTHER, "latest": OTHER})
    result = resolve(files("image: app\n", config), ResolveOptions(), known)
    assert result.images[0].origins == ({"resolved": {"url": "e.test/app:1.9.0", "tag": "1.9.0"}},)


@pytest.mark.parametrize(
    ("new_image", "selection", "message"),
    [
        pytest.param("e.test/app", "{}", "Unknown tag selection strategy", id="nothing-named"),
        pytest.param("e.test/app", "{semver: null}", "Unknown tag selection strategy", id="null"),
        pytest.param(
            f"e.test/app@{DIGEST}",
            "{semver: {}}",
            "repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: "
            f"app@{DIGEST}",
            id="no-repository",
        ),
    ],
)
def test_tag_cannot_be_selected(new_image, selection, message):
    config = (
        "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\noverrides:\n"
        f"- {{image: app, newImage: '{new_image}', tagSelection: {selection}}}\n"
    )
    with pytest.raises(InputError) as caught:
        resolve(files("image: app\n", config), ResolveOptions(), Known(**{"1.0.0": DIGEST}))
    assert str(caught.value) == f"\n- Resolving image 'app': {message}"


def test_selected_tag_is_no_source():
    config = (
        "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\nsources: [{imageRepo: e.test/app, path: .}]\n"
        "overrides: [{image: app, newImage: e.test/app, tagSelection: {semver: {}}}]\n"
    )
    result = resolve(files("image: app\n", config), ResolveOptions(), Known(**{"1.0.0": DIGEST}))
    assert result.images[0].url == f"e.test/app@{DIGEST}"


def test_platform_picks_from_the_index():
    options = ResolveOptions(platform=Platform("linux", "arm"))
    result = resolve(files(f"image: e.test/app@{DIGEST}\n"), options, Known())
    assert result.images[0].url == f"e.test/app@{OTHER}"
    with pytest.raises(InputError) as caught:
        resolve(
            files(f"image: e.test/app@{DIGEST}\n"), ResolveOptions(platform=Platform("linux", "x")), Known()
        )
    assert "with matching platform, but found none" in str(caught.value)


def test_image_map_is_asked_last():
    options = ResolveOptions(image_map={"app": f"e.test/app@{DIGEST}"})
    assert resolve(files("image: app\n"), options, Unreachable()).images[0].url == f"e.test/app@{DIGEST}"


def test_inputs_list_each_image_once():
    assert read_inputs(files("image: b\n---\nx: {image: a}\n---\nimage: b\n")).images == ["a", "b"]


def test_inspect_shows_the_annotated_origins():
    result = resolve(files("kind: Pod\nimage: e.test/app:v1\n"), ResolveOptions(), Known(v1=DIGEST))
    (found,) = inspect([SourceFile("r.yml", result.printed.encode())])
    assert found.image == f"e.test/app@{DIGEST}"
    assert found.origins == "- resolved:\n    tag: v1\n    url: e.test/app:v1\n"
    assert found.resource == "pod/ () cluster"


CONFIG = "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n"


class Recording:
    """Builds nothing, but tells what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    def build(self, image: str, source: Source, destination: Destination | None) -> Built:
        self.asked.append((image, source.path, destination.new_image if destination else ""))
        return Built(f"kbld:{image}", ({"local": {"path": source.path}},))


def test_image_with_a_source_is_built_under_its_overridden_name():
    config = (
        f"{CONFIG}overrides: [{{image: app, newImage: other}}]\n"
        "sources: [{image: app, path: no}, {image: other, path: src}]\n"
        "destinations: [{image: app, newImage: no}, {imageRepo: other, newImage: e.test/other}]\n"
    )
    builds = Recording()
    result = resolve(files(config, "image: app\n"), ResolveOptions(builds=builds), Unreachable())
    assert builds.asked == [("other", "src", "e.test/other")]
    assert result.images[0].url == "kbld:other"
    assert "path: src" in result.printed


def test_without_builds_a_source_is_refused():
    config = f"{CONFIG}sources: [{{image: app, path: src}}]\n"
    with pytest.raises(InputError) as caught:
        resolve(files(config, "image: app\n"), ResolveOptions(), Unreachable())
    assert "(tried to build 'app' because a source was configured for it)" in str(caught.value)


def test_lock_carries_each_search_rule_once():
    config = f"{CONFIG}keys: [a]\nsearchRules: [{{keyMatcher: {{name: a, path: []}}}}, {{keyMatcher: {{name: a}}}}]\n"
    lock = resolve(files(config), ResolveOptions(), Unreachable()).kbld_lock()
    assert lock.endswith("searchRules:\n- keyMatcher:\n    name: a\n- keyMatcher:\n    name: a\n")


def test_metadata_that_is_no_mapping_is_left_alone():
    result = resolve(files(f"image: e.test/app@{DIGEST}\nmetadata: null\n"), ResolveOptions(), Unreachable())
    assert result.documents[0]["metadata"] is None


def test_result_of_several_lines_stays_in_the_log():
    options = ResolveOptions(image_map={"app": "a\nb"})
    log = resolve(files("image: app\n"), options, Unreachable()).log_lines
    assert log == ["resolve | final: app -> a", "resolve | b"]
