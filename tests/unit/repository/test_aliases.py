import pytest

from app.core.errors import AliasNotFoundError, ConflictError, ManifestError
from app.repository.aliases import MAX_ALIASES_BYTES, MAX_HISTORY, AliasTable, dump_aliases, parse_aliases


def test_a_table_is_stored_as_documented():
    table = AliasTable().moved("production", 1).moved("production", 2)

    assert (
        b'{\n  "schema": "fount-aliases/1",\n  "aliases": {\n    "production": 2\n  },\n'
        b'  "history": {\n    "production": [\n      1\n    ]\n  }\n}\n'
    ) == dump_aliases(table)
    assert table == parse_aliases(dump_aliases(table))


def test_history_is_bounded_and_keeps_the_latest():
    table = AliasTable()
    for version in range(1, 3 * MAX_HISTORY):
        table = table.moved("production", version)

    assert list(range(2 * MAX_HISTORY - 1, 3 * MAX_HISTORY - 1)) == table.history["production"]


def test_moving_to_the_same_version_is_no_move():
    table = AliasTable().moved("production", 1)

    assert table is table.moved("production", 1)


def test_going_back_skips_the_version_that_is_current():
    table = AliasTable().moved("production", 1).moved("production", 2).moved("production", 1)

    with pytest.raises(ConflictError):
        table.rolled_back("production", {1})
    assert {"production": 2} == table.rolled_back("production", {1, 2}).aliases


def test_aliases_do_not_disturb_each_other():
    table = AliasTable().moved("production", 1).moved("candidate", 2).moved("production", 3)

    assert {"candidate": 2, "production": 1} == table.rolled_back("production", {1, 2, 3}).aliases
    assert {"candidate": 2} == table.without("production").aliases
    with pytest.raises(AliasNotFoundError):
        table.rolled_back("nightly", {1, 2, 3})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"schema": "fount-aliases/2", "aliases": {}, "history": {}}',
        b'{"schema": "fount-aliases/1", "aliases": {"production": 0}}',
        b'{"schema": "fount-aliases/1", "aliases": {"production": "1"}}',
        b'{"schema": "fount-aliases/1", "aliases": {"../x": 1}}',
        b'{"schema": "fount-aliases/1", "more": 1}',
        b" " * (MAX_ALIASES_BYTES + 1),
    ],
    ids=["empty", "list", "other schema", "zero", "text", "bad alias", "unknown field", "too large"],
)
def test_a_table_that_breaks_the_schema_is_refused(data):
    with pytest.raises(ManifestError, match=r"aliases\.json"):
        parse_aliases(data)
