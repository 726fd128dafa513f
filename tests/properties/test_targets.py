"""Masks, boxes, keypoints and matrices go where the pixels go, whatever moves these."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.augmentation.cpu import Renderer
from app.augmentation.draws import rows_of
from app.augmentation.frames import frames_of
from app.augmentation.primitives import Displacement, Warp
from app.augmentation.registry import BY_NAME, OPERATIONS
from app.augmentation.sampler import Sampler
from app.augmentation.targets.boxes import hull
from app.augmentation.targets.documents import Targets
from app.augmentation.targets.following import Follower, follow_back, scene_of
from app.augmentation.targets.masks import MaskFollower, mask_back
from app.augmentation.targets.results import describe
from app.augmentation.targets.walking import matrix_of, way_of
from app.core.errors import InvalidInputError

RADIUS = 5.0
"""Of what is painted, in pixels of the output."""
LEAST_RADIUS = 4.0
"""Of what is painted, in pixels of the input."""
RINGS = (0.5, 0.75, 1.0, 2.0)
"""Radii around a place at which a straight move has its middle where the place goes."""
CANDIDATES = 64
PAUSE = {"op": "gamma", "exponent": [1.0, 1.0]}
"""Changes nothing, and is not done behind moves that show what is outside: these start anew from the frame."""
sides = st.integers(48, 96)
seeds = st.integers(0, 2**32)


def examples_of(operation):
    """Return what its schema shows, or the operation with all its defaults; what lies outside stays black."""
    shown = (operation.model_config.get("json_schema_extra") or {}).get("examples")
    fill = {"fill": "constant"} if "fill" in operation.model_fields else {}
    return [one | fill for one in shown or [{"op": operation.model_fields["op"].default}]]


def draw(documents, size, seed, copies=1):
    nodes = [BY_NAME[one["op"]].model_validate(one) for one in documents]
    return Sampler(rows_of(seed, 7, copies), frames_of(np.zeros((*size, 1), np.uint8), copies), 2**22).run(nodes)


def moves_pixels(document):
    return any(isinstance(step.primitive, Warp | Displacement) for step in draw([document], (256, 256), 1).steps)


GEOMETRY = [one for operation in OPERATIONS for one in examples_of(operation) if moves_pixels(one)]


def follow(plan, row, size, points):
    """Return where keypoints go, shape (n, 2), and whether they are seen."""
    scene = scene_of(0, Targets(keypoints=points.tolist()), size)
    [layer] = Follower([scene]).walk(0, plan, row, ()).layers
    return layer.points, layer.visible


def forth(plan, row, size, points):
    return follow(plan, row, size, points)[0]


def back(plan, row, points):
    way = way_of(plan, row)
    scene = scene_of(0, Targets(keypoints=points.tolist()), way.sizes[-1])
    return follow_back(scene, way).layers[0].points


def find_place(plan, row, size, seed):
    """Return a point of the input, and how large to paint around it, where the move is nearly straight."""
    after = way_of(plan, row).sizes[-1]
    limits = np.array(after[::-1], np.float64)
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for point in np.random.default_rng(seed).uniform(0, 1, (CANDIDATES, 2)) * limits:
        [source] = back(plan, row, point[None])
        across, down = back(plan, row, point + np.eye(2) * 0.5) - source
        scale = np.sqrt(abs(across[0] * down[1] - across[1] * down[0])) * 2
        radius = max(RADIUS * scale, LEAST_RADIUS)
        rings = source + ring * radius * np.array(RINGS)[:, None, None]
        moved, visible = follow(plan, row, size, rings.reshape(-1, 2))
        is_inside = visible.all() and (moved >= 1).all() and (moved <= limits - 1).all()
        middles = moved.reshape(rings.shape).mean(axis=1)
        if is_inside and np.abs(middles - point).max() < 0.05:
            return source, radius
    return None


def centres(size):
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    return np.stack([x, y], axis=2)


def centroid(pixels):
    weights = pixels[:, :, 0].astype(np.float64)
    return (centres(weights.shape) * weights[:, :, None]).sum(axis=(0, 1)) / weights.sum()


def find_faults(plan, row, size, seed):
    """Paint around a point, and return how far what follows ends from the pixels, where that is farther than it may."""
    found = find_place(plan, row, size, seed)
    assume(found is not None)
    source, radius = found
    distances = np.linalg.norm(centres(size) - source, axis=2, keepdims=True)
    blob = np.rint(255 * np.exp(-((distances / radius * 2) ** 2) / 2)).astype(np.uint8)
    disc = (distances < radius).astype(np.uint8)

    moved = Renderer([blob], [plan]).render_one(0, row)
    mask = MaskFollower([disc]).render(0, plan, row)
    returned = mask_back(mask, way_of(plan, row))

    keypoint, middle = forth(plan, row, size, np.stack([centroid(blob), centroid(disc)]))
    far = {
        "keypoint": (np.abs(centroid(moved) - keypoint).max(), 0.5),
        "mask": (np.abs(centroid(mask) - middle).max(), 0.5),
        "mask back": (np.abs(centroid(returned) - centroid(disc)).max(), 1.0),
        "size back": (float(disc.shape != returned.shape), 0.0),
    }
    matrix = matrix_of(plan, row)
    if matrix is not None:
        x, y, w = matrix @ [*centroid(blob), 1]
        far["matrix"] = np.abs([x / w, y / w] - keypoint).max(), 1e-6
    far |= measure_box(plan, row, size, np.concatenate([source - radius, source + radius]))
    return {name: distance for name, (distance, allowed) in far.items() if not distance <= allowed}


def measure_box(plan, row, size, box):
    """Return how far the pixels of a box lie outside of the box that followed, and the box outside of its way back."""
    left, top, right, bottom = np.rint(box).astype(int).tolist()
    painted = np.zeros((*size, 1), np.uint8)
    painted[top:bottom, left:right] = 1

    scene = Follower([scene_of(0, Targets(boxes=[[left, top, right, bottom]]), size)]).walk(0, plan, row, ())
    mask = MaskFollower([painted]).render(0, plan, row)

    [followed] = hull(scene.layers[0].outlines)
    y, x = np.nonzero(mask[:, :, 0])
    seen = np.array([x.min(), y.min(), x.max(), y.max()]) + 0.5
    [returned] = hull(follow_back(scene, way_of(plan, row)).layers[0].outlines)
    outward = np.array([1, 1, -1, -1])
    return {
        "box": ((outward * (followed - seen)).max(), 0.05),
        "box back": ((outward * (returned - [left, top, right, bottom])).max(), 0.05),
    }


@pytest.mark.parametrize("document", GEOMETRY, ids=lambda one: "-".join([one["op"], *sorted({*one} - {"op", "fill"})]))
@given(height=sides, width=sides, seed=seeds)
@settings(max_examples=12, deadline=None)
def test_targets_go_where_the_pixels_go(document, height, width, seed):
    plan = draw([document], (height, width), seed)

    assert {} == find_faults(plan, seed % len(plan.rows), (height, width), seed)


@given(height=sides, width=sides, seed=seeds, documents=st.lists(st.sampled_from(GEOMETRY), min_size=2, max_size=3))
@settings(max_examples=40, deadline=None)
def test_targets_go_where_the_pixels_go_through_chains(height, width, seed, documents):
    try:
        plan = draw([documents[0], PAUSE, *documents[1:]], (height, width), seed)
    except InvalidInputError:  # a part larger than the picture
        assume(False)

    assert {} == find_faults(plan, seed % len(plan.rows), (height, width), seed)


@given(points=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20), seed=seeds)
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("document", [one for one in GEOMETRY if one["op"] in {"elastic", "grid_distortion", "affine"}])
def test_the_way_back_leads_to_where_points_were(document, points, seed):
    size = 70, 90
    plan = draw([document], size, seed)
    sent = np.array(points) * size[::-1]

    returned = back(plan, 0, forth(plan, 0, size, sent))

    np.testing.assert_allclose(sent, returned, atol=0.01)


@given(
    op=st.sampled_from(["mixup", "cutmix", "mosaic"]),
    count=st.integers(1, 4),
    labels=st.lists(st.sampled_from(["cat", "dog", 3, None]), min_size=4, max_size=4),
    seed=seeds,
)
@settings(max_examples=60, deadline=None)
def test_shares_of_labels_sum_to_one(op, count, labels, seed):
    plans = [
        draw([{"op": "flip", "p": 0.5}, {"op": op}, {"op": "rotate"}], (20, 30), seed + n, 2) for n in range(count)
    ]
    scenes = [scene_of(n, Targets(label=labels[n], boxes=[[1, 1, 9, 8]]), (20, 30)) for n in range(count)]

    answer = describe(Follower(scenes).walk(0, plans[0], 1, plans))

    shares = answer.get("label_shares", [])
    assert len({one["label"] for one in shares}) == len(shares)
    assert not shares or 1 == pytest.approx(sum(one["share"] for one in shares))
    assert len(answer["boxes"]) == len(answer["ids"]) == len(answer["visibility"])
