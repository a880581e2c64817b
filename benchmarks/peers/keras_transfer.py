"""Keras's guide "Transfer learning & fine-tuning" (keras-io, guides/transfer_learning.py), rewritten for class folders.

The backbone is frozen and runs in inference mode; random flips and rotations of up to a tenth of a turn, its features,
Dropout 0.2, Dense; Adam at 1e-3, batches of 32, 10 epochs. Pictures come from `image_dataset_from_directory` and are
cached as decoded, as in the guide of 2020; the guide of 2023 caches them as augmented. The guide's validation pictures
are left out, because nothing is chosen by them.

MobileNet V2 is that of Keras Applications. Keras has no EfficientNet-Lite: of it, imagewise's Keras model is taken.
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks.peers.photographs import Phases, Settings, open_backbone, parse

from imagewise.backbones.catalog import Entry
from imagewise.backbones.pretrained import Pretrained

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["KERAS_BACKEND"] = "tensorflow"


def applications_mobilenet(backbone: Pretrained, side: int) -> Any:
    """Pixels (N, side, side, 3) in 0..255 to features; the weights are put in layer by layer, in their order."""
    import keras

    width = backbone.entry.params.get("width", 1.0)
    base = keras.applications.MobileNetV2((side, side, 3), alpha=width, include_top=False, weights=None)
    published = iter(backbone.weights.values())
    for layer in base.layers:
        if layer.weights:
            layer.set_weights([_in_keras(layer, next(published)) for _ in layer.weights])
    assert next(published, None) is None
    pixels = keras.Input((side, side, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    x = base(x, training=False)
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x))


def _in_keras(layer: Any, value: Any) -> Any:
    """From OIHW to HWIO, of a depthwise convolution to HWOI; batch normalisation has the same order of weights."""
    if value.ndim != 4:
        return value
    return value.transpose(2, 3, 0, 1) if type(layer).__name__ == "DepthwiseConv2D" else value.transpose(2, 3, 1, 0)


def keras_backbone(backbone: Pretrained, side: int) -> Any:
    """A Keras model from pixels to the features of the last layer."""
    if _is_of_keras(backbone.entry):
        return applications_mobilenet(backbone, side)
    from imagewise.networks.network import Network
    from imagewise.training.engines.tensorflow.reader import KerasNetwork

    layers = backbone.layers(side)
    network = KerasNetwork(Network((side, side, 3), backbone.entry.mean, backbone.entry.std, layers))
    network.load(backbone.weights)
    return network.model


def _is_of_keras(entry: Entry) -> bool:
    """Its weights are for Keras's MobileNetV2: padding and epsilon are TensorFlow's."""
    return entry.family == "mobilenet_v2" and bool(entry.params.get("tensorflow"))


def main(settings: Settings) -> None:
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(settings.seed)
    how = {"image_size": (settings.side, settings.side), "batch_size": settings.batch, "verbose": False}
    train = keras.utils.image_dataset_from_directory(settings.train, seed=settings.seed, **how)
    test = keras.utils.image_dataset_from_directory(settings.test, shuffle=False, **how)
    classes = len(train.class_names)
    train = train.cache().prefetch(tf.data.AUTOTUNE)

    base = keras_backbone(open_backbone(settings.backbone), settings.side)
    base.trainable = False
    inputs = keras.Input((settings.side, settings.side, 3))
    x = layers.RandomFlip("horizontal")(inputs)
    x = layers.RandomRotation(0.1)(x)
    x = base(x, training=False)
    x = layers.Dropout(0.2)(x)
    model = keras.Model(inputs, layers.Dense(classes)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, metrics=["accuracy"])
    model.fit(train, epochs=settings.epochs, verbose=2)
    path = settings.out / "model.weights.h5"  # weights alone: a model with the layers of imagewise needs its code
    model.save_weights(path)

    count = len(test.file_paths)
    Phases().ended("head", path, count, lambda: round(count * model.evaluate(test, verbose=0)[1]))


if __name__ == "__main__":
    main(parse())
