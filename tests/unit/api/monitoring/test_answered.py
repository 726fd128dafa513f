import pytest

from app.api.keys import ANYBODY, KeyRing
from app.api.monitoring import answered
from app.api.monitoring.answered import name_key_class
from app.core.settings import Settings


@pytest.mark.parametrize(
    ("caller", "name"), [("anybody", "anybody"), ("environment", "environment"), ("a1b2", "file"), ("x" * 64, "file")]
)
def test_keys_are_counted_by_kind_and_never_by_id(caller, name):
    assert name == name_key_class(caller)


def test_kinds_are_named_as_the_gate_names_callers():
    ring = KeyRing(Settings(api_key="k" * 16))

    assert (answered.ANYBODY, answered.ENVIRONMENT) == (ANYBODY.id, ring.identify("k" * 16).id)
