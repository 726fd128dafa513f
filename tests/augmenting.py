"""Pictures of all kinds, and policies applied to them."""

import json

import numpy as np

from app.augmentation.cpu import Renderer
from app.augmentation.draws import rows_of
from app.augmentation.frames import frames_of
from app.augmentation.policy import Policy
from app.augmentation.sampler import Sampler
from app.augmentation.traces import Trace, dump_trace, replay

MAX_PIXELS = 2**20
WHITE = {"uint8": 255, "uint16": 65535, "float32": 1.0}
KINDS = [(1, False), (2, False), (2, True), (3, False), (4, False), (4, True), (5, False)]
"""Channels, and whether the last one is transparency."""


def make_picture(depth="uint8", channels=3, *, height=9, width=13, seed=0):
    """Draw noise (H, W, C) over all levels, black and white among them."""
    levels = np.random.default_rng(seed).random((height, width, channels))
    levels[0, 0], levels[0, 1] = 0, 1
    scaled = levels if depth == "float32" else np.rint(levels * WHITE[depth])
    return scaled.astype(depth)


def make_plan(ops, pixels, *, has_alpha=False, copies=1, seed=0, key=1):
    policy = Policy.model_validate_json(json.dumps({"ops": ops}))
    rows = rows_of(seed, key, copies)
    return Sampler(rows, frames_of(pixels, copies, has_alpha=has_alpha), MAX_PIXELS).run(policy.ops)


def augment(ops, pixels, **options):
    """Return the outputs of one picture."""
    return list(Renderer([pixels], [make_plan(ops, pixels, **options)]).render(0))


def augment_once(op, pixels, *, has_alpha=False, **parameters):
    """Return one output of one operation."""
    return augment([{"op": op, **parameters}], pixels, has_alpha=has_alpha)[0]


def apply(pixels, *steps, has_alpha=False):
    """Apply the steps of a trace."""
    trace = Trace.model_validate_json(json.dumps({"steps": list(steps)}))
    plans = replay([trace], frames_of(pixels, 1, has_alpha=has_alpha), MAX_PIXELS)
    return Renderer([pixels], plans).render_one(0, 0)


def trace_of(plan, row=0):
    """Return a trace as it comes back from a caller."""
    return json.loads(json.dumps(dump_trace(plan, row)))
