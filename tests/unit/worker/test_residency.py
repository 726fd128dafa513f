import pytest

from app.core.errors import OutOfDeviceMemoryError
from app.schemas.jobs import ModelRef
from app.worker.residency import PartRef, Residency
from tests.factories import make_networks

REFS = [PartRef(ModelRef("digits", version, "d" * 64), "generator") for version in (1, 2, 3)]


def keep(residency, ref, num_bytes):
    generator, _ = make_networks()
    residency.make_room(num_bytes)
    residency.keep(ref, generator, num_bytes)
    return generator


def test_a_kept_generator_is_found():
    residency = Residency(100)

    generator = keep(residency, REFS[0], 60)

    assert generator is residency.find(REFS[0])
    assert residency.find(REFS[1]) is None
    assert 60 == residency.num_bytes


def test_the_least_recently_used_goes_first():
    residency = Residency(100)
    keep(residency, REFS[0], 40)
    keep(residency, REFS[1], 40)
    residency.find(REFS[0])

    keep(residency, REFS[2], 40)

    assert residency.find(REFS[0]) is not None
    assert residency.find(REFS[1]) is None
    assert 80 == residency.num_bytes


def test_what_can_never_fit_is_refused_and_evicts_nothing():
    residency = Residency(100)
    keep(residency, REFS[0], 40)

    with pytest.raises(OutOfDeviceMemoryError, match="residency_bytes") as caught:
        residency.make_room(101)

    assert {"limit": 100} == caught.value.fields
    assert residency.find(REFS[0]) is not None


def test_a_dropped_generator_is_gone():
    residency = Residency(100)
    keep(residency, REFS[0], 40)

    residency.drop(REFS[0].model)
    residency.drop(REFS[0].model)

    assert residency.find(REFS[0]) is None
    assert 0 == residency.num_bytes


def test_a_version_goes_with_its_encoder():
    residency = Residency(100)
    encoder = REFS[0]._replace(part="encoder")
    for place in (REFS[0], encoder, REFS[1]):
        keep(residency, place, 20)

    residency.drop(REFS[0].model)

    assert residency.find(encoder) is None
    assert residency.find(REFS[1]) is not None
    assert 20 == residency.num_bytes
