"""Simulated workloads: what controllers and a kubelet would do, without a container ever running.

Each module decides, from the objects as they are, what is to be written (``decide``, a pure function);
the runner reads, asks, and carries out.
"""
