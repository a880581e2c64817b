"""Keras's own MNIST example (keras-io, examples/vision/mnist_convnet.py), rewritten.

Conv 32, pool, Conv 64, pool, Dropout 0.5, Dense 10; Adam, batches of 128, 15 epochs, a tenth kept for validation.
"""

from __future__ import annotations

import os

from benchmarks.peers.keras_progress import progress_callback
from benchmarks.peers.telling import Settings, load_mnist, parse


def main(settings: Settings) -> None:
    os.environ["KERAS_BACKEND"] = settings.backend
    import keras
    from keras import layers

    mnist = load_mnist(settings)
    keras.utils.set_random_seed(settings.seed)
    x_train, x_test = (images.astype("float32")[..., None] / 255 for images in (mnist.train_images, mnist.test_images))
    y_train, y_test = (keras.utils.to_categorical(labels, 10) for labels in (mnist.train_labels, mnist.test_labels))
    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    lines, progress = progress_callback(settings, lambda: model.evaluate(x_test, y_test, verbose=0)[1])
    model.fit(
        x_train, y_train, batch_size=128, epochs=settings.epochs, validation_split=0.1, verbose=2, callbacks=[lines]
    )
    path = settings.out / "model.keras"
    model.save(path)
    progress.finish(path)


if __name__ == "__main__":
    main(parse(epochs=15))
