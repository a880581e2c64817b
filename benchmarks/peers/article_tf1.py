"""The article's program on today's TensorFlow: tf.compat.v1, a session and a feed dictionary, rewritten.

The same network, start, cost, optimiser and batches as the article's; only the reader is new, since TensorFlow no
longer has its own. Prints the article's lines to standard error.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow.compat.v1 as tf
from benchmarks.peers.telling import Progress, Settings, load_mnist, parse
from numpy.typing import NDArray

tf.disable_v2_behavior()


def one_hot(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = np.eye(10, dtype=np.float32)[labels]
    return rows


class Reader:
    """The old reader's `next_batch`: shuffled again each time all pictures were seen."""

    def __init__(self, images: NDArray[np.float32], labels: NDArray[np.float32], seed: int) -> None:
        self.images, self.labels = images, labels
        self.generator = np.random.default_rng(seed)
        self.at = len(images)

    def next_batch(self, size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self.at + size > len(self.images):
            order = self.generator.permutation(len(self.images))
            self.images, self.labels, self.at = self.images[order], self.labels[order], 0
        part = slice(self.at, self.at + size)
        self.at += size
        return self.images[part], self.labels[part]


def main(settings: Settings) -> None:
    mnist = load_mnist(settings)
    images = (mnist.train_images.reshape(-1, 784) / np.float32(255)).astype(np.float32)
    labels = one_hot(mnist.train_labels)
    test_images = (mnist.test_images.reshape(-1, 784) / np.float32(255)).astype(np.float32)
    test_labels = one_hot(mnist.test_labels)
    held_back = 5000 if len(images) > 5000 else 0
    train = Reader(images[held_back:], labels[held_back:], settings.seed)

    learning_rate, batch_size, n_samples = 0.001, 100, len(train.images)
    tf.set_random_seed(settings.seed)
    x = tf.placeholder("float", [None, 784])
    y = tf.placeholder("float", [None, 10])
    shapes = {"h1": [784, 256], "h2": [256, 256], "out": [256, 10]}
    weights = {name: tf.Variable(tf.random_normal(shape)) for name, shape in shapes.items()}
    biases = {name: tf.Variable(tf.random_normal(shape[1:])) for name, shape in shapes.items()}
    layer_1 = tf.nn.relu(tf.add(tf.matmul(x, weights["h1"]), biases["h1"]))
    layer_2 = tf.nn.relu(tf.add(tf.matmul(layer_1, weights["h2"]), biases["h2"]))
    logits = tf.matmul(layer_2, weights["out"]) + biases["out"]
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=y))
    optimizer = tf.train.AdamOptimizer(learning_rate=learning_rate).minimize(cost)
    right = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
    accuracy = tf.reduce_mean(tf.cast(right, "float"))

    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        progress = Progress(settings)
        for epoch in range(1, settings.epochs + 1):
            average = 0.0
            batches = n_samples // batch_size
            for _ in range(batches):
                batch_x, batch_y = train.next_batch(batch_size)
                _, c = session.run([optimizer, cost], feed_dict={x: batch_x, y: batch_y})
                average += c / batches
            print(f"Epoch: {epoch} cost={average:.4f}", file=sys.stderr)
            if progress.epoch(epoch, lambda: session.run(accuracy, feed_dict={x: test_images, y: test_labels})):
                break
        model = settings.out / "model.ckpt"
        tf.train.Saver().save(session, str(model))
        progress.finish(model)


if __name__ == "__main__":
    main(parse(epochs=15))
