#!/usr/bin/env python3
"""Times our ytt against other ytt programs, on inputs that it generates.

    bench/ytt.py [--rounds N] [--only NAME ...] [--keep DIRECTORY] [YTT ...]

Each YTT is another ``ytt`` binary; without one, only our own numbers are shown. Ours is the ``ytt`` that is
installed beside the interpreter that runs this file (``--ours`` names another).

The measure is the CPU of a whole process, user plus system time as ``wait4`` reports it, start-up included.
A round runs the programs right after each other, so that both sides of a ratio saw the same machine; a row
shows the median of the times and the median of the rounds' ratios, then the peak memory in the same way.
``bare`` is the empty program, ``python -I -c pass``, in the same rounds. ``bytes`` tells whether both
programs printed the same.

The inputs: ``plain`` 700 KB of manifests without templating; ``documents`` the same changed by a document
overlay (``overlay.subset``); ``arrays`` the same changed inside arrays (containers, variables, ports by name);
``values`` the same as templates that read data values with a schema; ``loop`` one template that makes 2,000
documents; ``files`` 200 small templates and a library; ``guide`` the package of examples/secure-ingress.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

GUIDE = Path(__file__).resolve().parent.parent / "examples" / "secure-ingress"
MANIFESTS = 700
LOOP_DOCUMENTS = 2000
SMALL_FILES = 200


@dataclass(frozen=True, slots=True)
class Input:
    """What one row measures: the arguments for any ytt, and the size of the files they name."""

    name: str
    arguments: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Run:
    """One process: CPU in seconds, peak memory in KiB, exit status."""

    cpu: float
    memory: int
    status: int


# -- inputs


def deployment(number: int, *, replicas: str = "2", image: str = "1.17.1", head: str = "") -> str:
    """A manifest of about 1 KB with strings, numbers, nested lists and quoted values."""
    return f"""{head}apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{number}
  namespace: team-{number % 17}
  labels:
    app.kubernetes.io/name: app-{number}
    app.kubernetes.io/part-of: shop
  annotations:
    checksum/config: "{number * 7919 % 1000003}"
    description: 'serves part {number} of the shop: orders, returns & bills'
spec:
  replicas: {replicas}
  selector:
    matchLabels:
      app.kubernetes.io/name: app-{number}
  template:
    spec:
      containers:
      - name: main
        image: registry.example.com/shop/app-{number % 31}:{image}
        args: ["--port=8080", "--log-level", info]
        env:
        - name: MODE
          value: "on"
        - name: SHARD
          value: "{number}"
        ports:
        - name: http
          containerPort: 8080
          protocol: TCP
        resources:
          requests: {{cpu: 100m, memory: 64Mi}}
          limits:
            memory: 128Mi
        readinessProbe:
          httpGet: {{path: /healthz, port: http}}
          periodSeconds: 5
      - name: proxy
        image: registry.example.com/mesh/proxy:v{number % 5}.2
"""


DOCUMENT_OVERLAY = """#@ load("@ytt:overlay", "overlay")
#@overlay/match by=overlay.subset({"kind": "Deployment"}), expects="1+"
---
metadata:
  #@overlay/match missing_ok=True
  finalizers: [example.com/keep]
  labels:
    #@overlay/match missing_ok=True
    team: shop
spec:
  replicas: 3
"""

ARRAY_OVERLAY = """#@ load("@ytt:overlay", "overlay")
#@overlay/match by=overlay.subset({"kind": "Deployment"}), expects="1+"
---
spec:
  template:
    spec:
      containers:
      #@overlay/match by="name"
      - name: main
        env:
        #@overlay/match by="name"
        - name: MODE
          value: "off"
        #@overlay/append
        - name: REGION
          value: eu
        ports:
        #@overlay/match by=overlay.subset({"name": "http"})
        #@overlay/match-child-defaults missing_ok=True
        - hostPort: 80
      #@overlay/match by=overlay.all, expects="1+"
      -
        #@overlay/match missing_ok=True
        imagePullPolicy: Always
"""

SCHEMA = """#@data/values-schema
---
#@schema/validation min=1
replicas: 1
version: ""
"""

VALUES = """#@data/values
---
replicas: 4
version: 2.0.1
"""

LOOP = f"""#@ load("@ytt:data", "data")
#@ def labels(name):
app.kubernetes.io/name: #@ name
app.kubernetes.io/managed-by: ytt
#@ end
#@ for number in range({LOOP_DOCUMENTS}):
#@ name = "app-{{}}".format(number)
---
apiVersion: v1
kind: Service
metadata:
  name: #@ name
  labels: #@ labels(name)
spec:
  type: #@ "LoadBalancer" if number % 10 == 0 else "ClusterIP"
  selector:
    app.kubernetes.io/name: #@ name
  ports:
  #@ for port in [80, 443]:
  - name: #@ "port-%d" % port
    port: #@ port
    targetPort: #@ 8000 + port
  #@ end
#@ end
"""

LIBRARY = """def labels(name):
  return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"}
end

def image(name, version):
  return "registry.example.com/" + name + ":" + version
end
"""


def small_file(number: int) -> str:
    return f"""#@ load("@ytt:data", "data")
#@ load("names.star", "image", "labels")
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: part-{number}
  labels: #@ labels("part-{number}")
data:
  image: #@ image("part-{number}", data.values.version)
  #@ if data.values.replicas > 1:
  replicas: #@ str(data.values.replicas)
  #@ end
  note: plain text
"""


def written_inputs(folder: Path) -> Iterator[Input]:
    """Write the generated files below ``folder``; gives the inputs in the order of the table."""
    plain = "---\n".join(deployment(number) for number in range(MANIFESTS))
    load = '#@ load("@ytt:data", "data")\n'
    templated = "".join(
        deployment(number, replicas="#@ data.values.replicas", head="---\n") for number in range(MANIFESTS)
    )
    contents: dict[str, dict[str, str]] = {
        "plain": {"manifests.yml": plain},
        "documents": {"manifests.yml": plain, "overlay.yml": DOCUMENT_OVERLAY},
        "arrays": {"manifests.yml": plain, "overlay.yml": ARRAY_OVERLAY},
        "values": {"manifests.yml": load + templated, "schema.yml": SCHEMA, "values.yml": VALUES},
        "loop": {"loop.yml": LOOP},
        "files": {
            "names.star": LIBRARY,
            "schema.yml": SCHEMA,
            "values.yml": VALUES,
            **{f"part-{number}.yml": small_file(number) for number in range(SMALL_FILES)},
        },
    }
    for name, files in contents.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            (folder / name / path).write_text(text)
        yield Input(name, ("-f", str(folder / name)), sum(len(text) for text in files.values()))
    config = GUIDE / "secure-ingress" / "bundle" / "config"
    values = GUIDE / "values.yaml"
    size = sum(path.stat().st_size for path in [values, *config.rglob("*.yaml")])
    yield Input("guide", ("-f", str(config), "--data-values-file", str(values)), size)


# -- measuring


def measured(command: Sequence[str], output: Path) -> Run:
    """Run ``command`` with its standard output in ``output``."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    redirected = [(os.POSIX_SPAWN_OPEN, 1, str(output), flags, 0o644)]
    # an installed package has its bytecode; in a work tree the first, uncounted round writes it
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = os.posix_spawnp(command[0], list(command), environment, file_actions=redirected)
    _, status, usage = os.wait4(child, 0)
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))


def rows(case: Input, ours: str, others: Sequence[str], rounds: int, folder: Path) -> Iterator[str]:
    """The lines of the table for one input: one per other program, or one of our own."""
    commands = {name: [name, *case.arguments] for name in (ours, *others)}
    commands["bare"] = [sys.executable, "-I", "-c", "pass"]
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    outputs = {name: folder / f"output-{number}" for number, name in enumerate(commands)}
    for _ in range(rounds + 1):
        for name, command in commands.items():
            runs[name].append(measured(command, outputs[name]))
    for made in runs.values():
        del made[0]  # the first round finds cold caches
    failed = [name for name, made in runs.items() if any(run.status for run in made)]
    if failed:
        raise SystemExit(f"{case.name}: failed: {', '.join(failed)}")
    bare = statistics.median(run.cpu for run in runs["bare"])
    mine = runs[ours]
    start = (
        f"{case.name:<10} {case.size / 1000:6.0f} {1000 * statistics.median(run.cpu for run in mine):7.0f}"
        f" {1000 * bare:6.0f}"
    )
    if not others:
        yield f"{start} {'':7} {'':6} {statistics.median(run.memory for run in mine) / 1024:7.0f}"
    for other in others:
        theirs = runs[other]
        pairs = list(zip(mine, theirs, strict=True))
        same = outputs[ours].read_bytes() == outputs[other].read_bytes()
        yield (
            f"{start} {1000 * statistics.median(run.cpu for run in theirs):7.0f}"
            f" {statistics.median(a.cpu / max(b.cpu, 1e-6) for a, b in pairs):6.2f}"
            f" {statistics.median(run.memory for run in mine) / 1024:7.0f}"
            f" {statistics.median(run.memory for run in theirs) / 1024:7.0f}"
            f" {statistics.median(a.memory / b.memory for a, b in pairs):6.2f}"
            f"  {'same' if same else 'DIFFERENT'}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Times our ytt against other ytt programs.")
    parser.add_argument("others", nargs="*", metavar="YTT", help="another ytt binary to compare with")
    parser.add_argument("--ours", default=str(Path(sys.executable).with_name("ytt")))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="measure these inputs only"
    )
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="write the inputs there and keep them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-ytt-") as scratch:
        folder = options.keep or Path(scratch)
        print("input          KB ours ms   bare ytt ms  ratio ours MB  ytt MB  ratio  bytes")
        for case in written_inputs(folder):
            if not options.only or case.name in options.only:
                for row in rows(case, options.ours, options.others, options.rounds, Path(scratch)):
                    print(row, flush=True)


if __name__ == "__main__":
    main()
