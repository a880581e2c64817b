"""Fitting of a head: features of all pictures, the choice of views and strength, the model's logits."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from imagewise.backbones.features import compute_features
from imagewise.backbones.views import PLAIN, view
from imagewise.data.dataset import Dataset, concatenate
from imagewise.training.head.job import HeadJob
from imagewise.training.head.result import HeadResult
from imagewise.training.reports.callbacks import TrainingCallbacks

REFERENCE_PICTURES = 64
