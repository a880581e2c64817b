"""The article's network as a user of Keras writes it today: Dense 256, Dense 256, Dense 10.

The article's optimiser and batches (Adam at 0.001, 100 pictures, 15 epochs, the first 5,000 kept for validation),
Keras's own initialisation; `--backend tensorflow` or `jax`.
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
    images, x_test = (x.reshape(-1, 784).astype("float32") / 255 for x in (mnist.train_images, mnist.test_images))
    held_back = 5000 if len(images) > 5000 else len(images) // 10
    model = keras.Sequential(
        [
            keras.Input(shape=(784,)),
            layers.Dense(256, activation="relu"),
            layers.Dense(256, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    lines, progress = progress_callback(settings, lambda: model.evaluate(x_test, mnist.test_labels, verbose=0)[1])
    model.fit(
        images[held_back:],
        mnist.train_labels[held_back:],
        batch_size=100,
        epochs=settings.epochs,
        validation_data=(images[:held_back], mnist.train_labels[:held_back]),
        verbose=2,
        callbacks=[lines],
    )
    path = settings.out / "model.keras"
    model.save(path)
    progress.finish(path)


if __name__ == "__main__":
    main(parse(epochs=15))
