"""How much a program of strangers may use."""

from __future__ import annotations


class Limits:
    """Bounds for one run; 0 stands for none.

    ``steps``: calls and iterations. ``depth``: calls within calls. ``memory``: characters, elements and nodes
    that operations may build, all together, kept or not. ``output``: characters of what is put out, and of
    what ``print`` writes.
    """

    __slots__ = ("depth", "memory", "output", "steps")

    def __init__(self, *, steps: int = 0, depth: int = 0, memory: int = 0, output: int = 0) -> None:
        self.steps = steps
        self.depth = depth
        self.memory = memory
        self.output = output

    def __repr__(self) -> str:
        return f"Limits(steps={self.steps}, depth={self.depth}, memory={self.memory}, output={self.output})"


UNLIMITED = Limits()
