"""Training of plain Dense stacks in NumPy: no framework to install or to wait for."""

from imagewise.engines.numpy.engine import NumPyEngine as NumPyEngine
