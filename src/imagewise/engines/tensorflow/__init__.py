"""The TensorFlow engine: a Keras model, trained by one compiled loop over many steps."""

from imagewise.engines.tensorflow.engine import TensorFlowEngine

__all__ = ["TensorFlowEngine"]
