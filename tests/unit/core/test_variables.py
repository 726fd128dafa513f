import pytest

from app.core.settings import Settings
from app.core.variables import check_names, find_broken_json


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("FOUNT_HTTP__PROT", "FOUNT_HTTP__PROT is not a setting; did you mean `FOUNT_HTTP__PORT`?"),
        ("FOUNT_KEY_FILE", "FOUNT_KEY_FILE is not a setting; did you mean `FOUNT_KEYS_FILE`?"),
        ("fount_zzz", "fount_zzz is not a setting"),
    ],
)
def test_a_name_that_is_no_setting_is_told_with_the_nearest_one(name, told):
    assert told == check_names(Settings, {"FOUNT_HTTP__PORT": "1", name: "x"})


def test_names_of_settings_in_any_case_and_others_are_taken():
    names = ["FOUNT_HTTP__PORT", "fount_http__host", "FOUNT_API_KEY", "FOUNT_LOG", "HOME"]

    assert check_names(Settings, dict.fromkeys(names, "x")) is None


@pytest.mark.parametrize("name", ["FOUNT_WORKER__BATCH_SIZES", "FOUNT_HTTP"])
def test_the_variable_that_holds_no_json_is_found(name):
    assert name == find_broken_json(Settings, {"FOUNT_API_KEY": "x", "FOUNT_HTTP__HOST": "y", name: "[1"})
