"""The main job, once: train on the default data, score, recognise a few pictures. Run by `make demo`."""

from pathlib import Path

from PIL import Image

import imagewise
from imagewise.training_display import TrainingDisplay

with TrainingDisplay() as display:
    run = imagewise.train(callbacks=display)  # MNIST, or scikit-learn's digits where MNIST cannot be had
assert run.test is not None
metrics = run.test.metrics
low, high = metrics.accuracy_interval
print(
    f"\n{metrics.accuracy:.2%} of {metrics.count:,} test pictures recognised (95% interval {low:.2%} to {high:.2%})\n"
)

folder = run.folder / "pictures"
folder.mkdir()
for number in range(5):
    picture, label = run.test.pictures.images[number], run.model.class_names[run.test.pictures.labels[number]]
    file = folder / f"a-{label}-{number}.png"
    Image.fromarray(picture.squeeze()).save(file)
    prediction = run.model.predict(file)
    print(f"{file}  is a {prediction.label}, {prediction.probability:.1%} sure")

print(f"\nmodel   {run.folder / 'model.onnx'}")
print(f"report  {Path(run.folder / 'report.html').resolve().as_uri()}")
print(f"try     .venv/bin/imagewise predict {folder} --model {run.folder / 'model.onnx'}")
