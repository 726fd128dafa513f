import pytest

from app.evaluation.stages import Stages


@pytest.fixture
def calls():
    return []


def test_a_part_of_a_stage_is_that_part_of_its_share(calls):
    stages = Stages(lambda *at: calls.append(at))

    stages.enter("measuring real images for the floor")
    stages.tick(1, 2)
    stages.finish()

    what = "measuring real images for the floor"
    assert [(5, 115, what), (20, 115, what), (115, 115, what)] == calls


def test_inception_is_most_of_the_work_where_it_looks(calls):
    stages = Stages(lambda *at: calls.append(at), has_inception=True)

    stages.enter("looking at real images through Inception")

    assert [(115, 755, "looking at real images through Inception")] == calls


def test_nobody_needs_to_listen():
    stages = Stages(None)

    stages.enter("drawing samples")

    assert None is stages.tick(1, 2)
