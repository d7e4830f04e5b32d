"""The guide's own files, beside a control plane that stands for ttl.sh and a cluster."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.world import World, world_in

SHARED = Path(__file__).parents[3] / "shared"
GUIDE = SHARED / "reference" / "guide"
PACKAGES = SHARED / "reference" / "packages"
RECORDED_REGISTRY = "127.0.0.1:5600"


@dataclass
class Guide:
    """``recorded`` gives what the real tools printed, with our registry's address."""

    world: World

    @property
    def same_address(self) -> bool:
        """Whether digests of content that names the registry are the recorded ones."""
        return self.world.registry == RECORDED_REGISTRY

    def recorded(self, path: str) -> str:
        return (GUIDE / path).read_text().replace(RECORDED_REGISTRY, self.world.registry)


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guide]:
    if not GUIDE.is_dir():
        pytest.skip("the guide's files (../shared/reference/guide) are not beside the project")
    folder = tmp_path_factory.mktemp("guide")
    with world_in(folder, registry_port=5600) as world:
        _copy(folder, world.registry)
        yield Guide(world)


@pytest.fixture
def world(guide: Guide) -> World:
    return guide.world


def _copy(folder: Path, registry: str) -> None:
    """The guide's files with our registry's address."""
    for source in (GUIDE / "in", GUIDE / "repo", PACKAGES):
        target = folder if source.name == "in" else folder / source.name
        shutil.copytree(source, target, dirs_exist_ok=True)
    # The files beside the project may be read-only; whether the owner may write is part of a bundle's digest.
    for place in [folder, *folder.rglob("*")]:
        place.chmod(place.stat().st_mode | 0o200)
    for file in folder.rglob("*.y*ml"):
        if RECORDED_REGISTRY in (text := file.read_text()):
            file.write_text(text.replace(RECORDED_REGISTRY, registry))
