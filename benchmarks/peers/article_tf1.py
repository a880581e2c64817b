"""The article's program on today's TensorFlow: tf.compat.v1, a session and a feed dictionary, written anew.

    python article_tf1.py EPOCHS SEED

Reads MNIST from IMAGEWISE_DATA. The same network, start, cost, optimiser and batches as the article's; only the reader
is new, since TensorFlow no longer has its own. Prints the article's lines, and one of JSON at the end.
"""

import gzip
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow.compat.v1 as tf
from numpy.typing import NDArray

tf.disable_v2_behavior()


def read(name: str, header: int) -> NDArray[np.uint8]:
    path = Path(os.environ["IMAGEWISE_DATA"]) / "mnist" / f"{name}.gz"
    content: NDArray[np.uint8] = np.frombuffer(gzip.decompress(path.read_bytes()), np.uint8, offset=header)
    return content


def one_hot(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = np.eye(10, dtype=np.float32)[labels]
    return rows


class Reader:
    """The old reader's `next_batch`: shuffled anew each time all pictures were seen."""

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


def main(epochs: int, seed: int) -> None:
    images = (read("train-images-idx3-ubyte", 16).reshape(-1, 784) / np.float32(255)).astype(np.float32)
    labels = one_hot(read("train-labels-idx1-ubyte", 8))
    test_images = (read("t10k-images-idx3-ubyte", 16).reshape(-1, 784) / np.float32(255)).astype(np.float32)
    test_labels = one_hot(read("t10k-labels-idx1-ubyte", 8))
    train = Reader(images[5000:], labels[5000:], seed)

    learning_rate, batch_size, n_samples = 0.001, 100, len(train.images)
    tf.set_random_seed(seed)
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
        costs = []
        for epoch in range(epochs):
            average = 0.0
            batches = n_samples // batch_size
            for _ in range(batches):
                batch_x, batch_y = train.next_batch(batch_size)
                _, c = session.run([optimizer, cost], feed_dict={x: batch_x, y: batch_y})
                average += c / batches
            costs.append(float(average))
            print(f"Epoch: {epoch + 1} cost={average:.4f}", file=sys.stderr)
        score = float(session.run(accuracy, feed_dict={x: test_images, y: test_labels}))
    print(json.dumps({"accuracy": score, "costs": costs}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
