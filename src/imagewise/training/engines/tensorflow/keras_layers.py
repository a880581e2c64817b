"""Keras layers for kinds that Keras lacks or defines differently."""

from __future__ import annotations

from typing import Any

from imagewise.networks import layers as L
from imagewise.training.engines.tensorflow.framework import keras, tf


class Norm(keras.layers.Layer):  # type: ignore[misc]
    """Batch normalisation by PyTorch's definition: the running variance is unbiased, where Keras's is biased."""

    def __init__(self, layer: L.BatchNorm, **options: Any) -> None:
        super().__init__(**options)
        self._epsilon, self._momentum = layer.epsilon, layer.momentum
        self.frozen = False  # the running statistics are used in training too, and stay as they are

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Add the four weights, (channels,) each, under their canonical names."""
        channels = (shape[-1],)
        self.scale = self.add_weight(channels, "ones", name="weight")
        self.shift = self.add_weight(channels, "zeros", name="bias")
        self.running_mean = self.add_weight(channels, "zeros", trainable=False, name="running_mean")
        self.running_var = self.add_weight(channels, "ones", trainable=False, name="running_var")

    def call(self, x: Any, training: bool = False) -> Any:
        """Same shape as `x`: (N, H, W, C) or (N, C)."""
        training = training and not self.frozen
        planes = x if len(x.shape) == 4 else x[:, None, None, :]
        values, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=planes,
            scale=self.scale,
            offset=self.shift,
            mean=[] if training else self.running_mean,
            variance=[] if training else self.running_var,
            epsilon=self._epsilon,
            is_training=training,
        )
        if training:
            self.running_mean.assign_add(self._momentum * (mean - self.running_mean))
            self.running_var.assign_add(self._momentum * (variance - self.running_var))
        return values if len(x.shape) == 4 else values[:, 0, 0, :]


class GroupedConv(keras.layers.Layer):  # type: ignore[misc]
    """A grouped convolution without padding. TensorFlow's own needs XLA on a CPU."""

    def __init__(self, layer: L.Conv, **options: Any) -> None:
        super().__init__(**options)
        self._layer = layer

    def build(self, shape: tuple[int, ...]) -> None:
        """Add `kernel` (k, k, C / groups, filters) and `bias`, as keras.layers.Conv2D does."""
        layer = self._layer
        kernel = (layer.kernel, layer.kernel, shape[-1] // layer.groups, layer.filters)
        self.kernel = self.add_weight(kernel, "zeros", name="kernel")
        self.bias = self.add_weight((layer.filters,), "zeros", name="bias") if layer.bias else None

    def call(self, x: Any) -> Any:
        """(N, H, W, C) to (N, H', W', filters)."""
        layer, kernel = self._layer, tf.convert_to_tensor(self.kernel)
        strides = [1, layer.stride, layer.stride, 1]
        if layer.groups == x.shape[-1]:
            # filter f belongs to channel f // (filters / channels), in both layouts
            kernel = tf.reshape(kernel, (layer.kernel, layer.kernel, layer.groups, layer.filters // layer.groups))
            values = tf.nn.depthwise_conv2d(x, kernel, strides, "VALID")
        else:
            parts = zip(tf.split(x, layer.groups, 3), tf.split(kernel, layer.groups, 3), strict=True)
            values = tf.concat([tf.nn.conv2d(part, own, strides, "VALID") for part, own in parts], 3)
        return values if self.bias is None else values + self.bias


class Draw:
    """A place where the training loop puts the seed of its current step."""

    seed: Any = None


class SeededDropout(keras.layers.Layer):  # type: ignore[misc]
    """Dropout decided by the step's seed and the layer's number in the network."""

    def __init__(self, rate: float, draw: Draw, number: int, **options: Any) -> None:
        super().__init__(**options)
        self._rate, self._draw, self._number = rate, draw, number

    def call(self, x: Any, training: bool = False) -> Any:
        """Same shape as `x`."""
        if not training or self._rate == 0:
            return x
        seed = tf.stack([self._draw.seed, tf.constant(self._number, tf.int64)])
        return tf.nn.experimental.stateless_dropout(x, self._rate, seed)
