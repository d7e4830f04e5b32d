"""Reads the recorded sessions of the original controller: what was applied, and what an object then was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from lapstrake.yamldoc import plain

FOLDER = Path(__file__).parents[3] / "shared" / "reference" / "app"

_STEP = re.compile(
    r"```console\n\$ kubectl (?P<command>.*?)\n```\nstdout:.*?````\n(?P<stdout>.*?)\n````", re.S
)
_GET = re.compile(r"get (?P<kind>app|pkgi) (?P<name>\S+) -n (?P<namespace>\S+) -o yaml")


@dataclass(frozen=True)
class Recording:
    scenario: str
    file: str
    kind: str
    name: str
    namespace: str
    status: dict

    @property
    def documents(self):
        text = (FOLDER / self.scenario / self.file).read_text()
        return [document for document in plain.load_all(text, self.file) if document]


def recorded(scenario):
    """The first look at the object of each applied file."""
    found, applied, seen = [], None, set()
    for step in _STEP.finditer((FOLDER / scenario / "transcript.md").read_text()):
        command = step["command"]
        if command.startswith("apply -f "):
            applied = command.removeprefix("apply -f ").split()[0]
        get = _GET.match(command)
        if get is None or applied is None or applied in seen or Path(applied).stem != get["name"]:
            continue
        seen.add(applied)
        status = yaml.safe_load(step["stdout"] + "\n").get("status") or {}
        found.append(Recording(scenario, applied, get["kind"], get["name"], get["namespace"], status))
    return found


def comparable(value):
    """Without times, identities, addresses and folders, which differ from run to run."""
    if isinstance(value, dict):
        return {
            key: comparable(item)
            for key, item in value.items()
            if key
            not in ("updatedAt", "startedAt", "consecutiveReconcileFailures", "consecutiveReconcileSuccesses")
        }
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, str):
        value = re.sub(r"Target cluster '.*", "Target cluster", value)
        value = re.sub(r"kapp\.k14s\.io/app(=|: \")\d+", r"kapp.k14s.io/app\1N", value)
        value = re.sub(r"\d+:\d\d:\d\d[AP]M", "TIME", value)
        value = re.sub(r"\b\d+s(?=\s|$)( *)", "AGE ", value)
        value = re.sub(
            r"/[^\s':]*/(lapstrake-app-|kapp-controller-fetch-template-deploy)\w+", "FOLDER", value
        )
        value = re.sub(r"association: \S+", "association: X", value)
        lines = value.split("\n")
        if "---- applying" in value:
            lines = _unordered(lines)
        return "\n".join(" ".join(line.split()) if "AGE" in line else line for line in lines)
    return value


def _unordered(lines):
    """Creations and waits of one batch happen in no fixed order."""
    result, batch = [], []
    for line in lines:
        if re.match(r"TIME: (create|update|delete|ok:|ongoing:)", line):
            batch.append(line)
            continue
        result += [*sorted(batch), line]
        batch = []
    return result + sorted(batch)
