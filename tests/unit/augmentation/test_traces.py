import json

import numpy as np
import pytest

from app.augmentation.frames import frames_of
from app.augmentation.presets import PRESETS
from app.augmentation.traces import Trace, dump_trace, replay
from tests.augmenting import apply, augment, make_picture, make_plan

COPIES = 4


@pytest.mark.parametrize("name", PRESETS)
def test_a_replay_is_told_as_what_it_replays(name):
    picture = make_picture(height=40, width=48)
    document = PRESETS[name].document["ops"]
    plan = make_plan(document, picture, copies=COPIES)

    told = [json.dumps(dump_trace(plan, row)) for row in range(COPIES)]

    traces = [Trace.model_validate_json(f'{{"steps": {one}}}') for one in told]
    assert told == [json.dumps(dump_trace(one, 0)) for one in replay(traces, frames_of(picture, 1), 2**20)]
    outputs = augment(document, picture, copies=COPIES)
    assert all(
        np.array_equal(output, apply(picture, *json.loads(one))) for output, one in zip(outputs, told, strict=True)
    )
