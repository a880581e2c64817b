"""The values of a graph without subgraphs: which node makes each, and which depend on the inputs."""

from __future__ import annotations

from functools import cached_property

import onnx
from onnx import NodeProto


class Values:
    """Look-ups in a graph, by the names of values.

    Attributes:
        graph: as `reading.read_file` gives it.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph

    @cached_property
    def makers(self) -> dict[str, NodeProto]:
        """The node that makes each computed value."""
        return {name: node for node in self.graph.node for name in node.output if name}

    @cached_property
    def inputs(self) -> list[str]:
        """Names of the graph's inputs."""
        return [value.name for value in self.graph.input]

    @cached_property
    def outputs(self) -> list[str]:
        """Names of the graph's outputs."""
        return [value.name for value in self.graph.output]

    @cached_property
    def live(self) -> frozenset[str]:
        """The inputs and all values that depend on one. Nodes come in their order of computation."""
        found = set(self.inputs)
        for node in self.graph.node:
            if not found.isdisjoint(node.input):
                found.update(node.output)
        return frozenset(found - {""})

    def behind(self, name: str) -> tuple[list[NodeProto], set[str]]:
        """The nodes that a value needs, in order, and the names of all values that it needs, itself included."""
        needed, waiting = {name}, [name]
        while waiting:
            node = self.makers.get(waiting.pop())
            new = set() if node is None else {each for each in node.input if each} - needed
            needed |= new
            waiting += new
        return [node for node in self.graph.node if not needed.isdisjoint(node.output)], needed

    def live_inputs(self, node: NodeProto) -> list[str]:
        """A node's inputs that are not constant."""
        return [name for name in node.input if name in self.live]
