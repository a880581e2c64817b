"""scikit-learn's MLPClassifier((256, 256)), all else as it comes: Adam, batches of 200, at most 200 epochs.

`fit` tells nobody of its epochs, so they are made one by one with `partial_fit`, and its rule for stopping is kept by
hand: ten epochs in a row whose loss is not better than the best by `tol`.
"""

from __future__ import annotations

import joblib
import numpy as np
from benchmarks.peers.telling import Progress, Settings, load_mnist, parse
from sklearn.neural_network import MLPClassifier


def main(settings: Settings) -> None:
    mnist = load_mnist(settings)
    x_train, x_test = (images.reshape(-1, 784) / 255.0 for images in (mnist.train_images, mnist.test_images))
    model = MLPClassifier((256, 256), random_state=settings.seed)
    best, worse = np.inf, 0
    progress = Progress(settings)
    for epoch in range(1, settings.epochs + 1):
        model.partial_fit(x_train, mnist.train_labels, classes=np.arange(10))
        worse = worse + 1 if model.loss_ > best - model.tol else 0
        best = min(best, model.loss_)
        if progress.epoch(epoch, lambda: model.score(x_test, mnist.test_labels)) or worse > model.n_iter_no_change:
            break
    path = settings.out / "model.joblib"
    joblib.dump(model, path)
    progress.finish(path)


if __name__ == "__main__":
    main(parse(epochs=200))
