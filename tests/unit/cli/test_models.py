import json
import re

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.repository.evaluation import Metric, dump_evaluation
from app.repository.store import ModelRepository
from tests.drafts import make_record, publish_draft


@pytest.fixture
def models(tmp_path):
    """A repository with three versions of one model and one of another."""
    root = tmp_path / "models"
    for _ in range(3):
        publish_draft(root)
    publish_draft(root, "other")
    return root


@pytest.fixture
def fount(models):
    """Run ``fount models …`` on the repository."""

    def run(*arguments, **options):
        return CliRunner().invoke(app, ["models", *arguments, "--repository", str(models)], **options)

    return run


def audit_lines(result):
    """Read what a verb wrote for the audit."""
    lines = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    return [(line["action"], line["target"], line["from"], line["to"], line["outcome"]) for line in lines]


def complaints(result):
    """Return what a verb said to people on standard error."""
    return "".join(line for line in result.stderr.splitlines(keepends=True) if not line.startswith("{"))


def spoil(models, version):
    (models / "tiny" / str(version) / "weights.safetensors").write_bytes(b"x")


def test_list_shows_every_version_and_its_aliases(fount):
    fount("promote", "tiny@2")

    result = fount("list")

    assert 0 == result.exit_code
    assert re.search(r"tiny +2 +production +dcgan +8x8x1 +2 ", result.stdout)
    assert re.search(r"other +1 ", result.stdout)


def test_list_reports_json(fount, models):
    fount("promote", "tiny@2")
    (models / "tiny" / "1" / "manifest.json").write_text("{")

    rows = json.loads(fount("list", "--json").stdout)["versions"]

    assert [("other", 1), ("tiny", 1), ("tiny", 2), ("tiny", 3)] == [(row["name"], row["version"]) for row in rows]
    assert ["production"] == rows[2]["aliases"]
    assert ModelRepository(str(models)).read_manifest("tiny", 2).digest == rows[2]["digest"]
    assert rows[1]["error"].startswith("document: ")


def test_list_of_nothing_says_so_beside_the_answer(tmp_path):
    result = CliRunner().invoke(app, ["models", "list", "--repository", str(tmp_path / "none")])

    assert (0, "") == (result.exit_code, result.stdout)
    assert "no models in " in result.stderr


def test_list_marks_a_version_that_is_not_sound(fount, models):
    (models / "tiny" / "1" / "manifest.json").write_text("{")

    assert re.search(r"tiny +1 +not sound", fount("list").stdout)


def test_verify_of_nothing_says_so_beside_the_answer(tmp_path):
    result = CliRunner().invoke(app, ["models", "verify", "--repository", str(tmp_path / "none")])

    assert (0, "", "there is nothing to verify\n") == (result.exit_code, result.stdout, result.stderr)


def test_show_tells_what_a_version_is(fount):
    result = fount("show", "tiny@3")

    assert 0 == result.exit_code
    assert re.search(r"model +tiny@3", result.stdout)
    assert re.search(r"data +made-up, 2 images", result.stdout)


def test_show_gives_the_manifest_as_json(fount, models):
    document = json.loads(fount("show", "tiny", "--json").stdout)

    assert ("tiny", 3, []) == (document["name"], document["version"], document["aliases"])
    assert json.loads((models / "tiny" / "3" / "manifest.json").read_text()) == document["manifest"]


def test_verify_passes_what_is_sound(fount):
    result = fount("verify")

    assert 0 == result.exit_code
    assert ["other@1", "tiny@1", "tiny@2", "tiny@3"] == re.findall(r"ok +(\S+)", result.stdout)


@pytest.mark.parametrize("reference", [[], ["tiny"], ["tiny@2"], ["tiny@production"]], ids=str)
def test_verify_exits_with_1_and_the_reason_when_anything_is_bad(fount, models, reference):
    fount("promote", "tiny@2")
    spoil(models, 2)

    result = fount("verify", *reference)

    assert 1 == result.exit_code
    assert "BAD  tiny@2: weights.safetensors is shorter than the 64 bytes that were published" in result.stdout


def test_verify_reports_json_torn_folders_too(fount, models):
    (models / "tiny" / "4").mkdir()

    result = fount("verify", "tiny", "--json")

    document = json.loads(result.stdout)
    assert (1, False) == (result.exit_code, document["ok"])
    assert [True, True, True, False] == [version["ok"] for version in document["versions"]]
    assert "manifest.json is missing: the version was never finished" == document["versions"][3]["reason"]


def test_verify_leaves_out_sound_versions_that_were_not_asked_for(fount, models):
    spoil(models, 2)

    assert 0 == fount("verify", "tiny@1").exit_code
    assert 0 == fount("verify", "other").exit_code


def test_promote_and_rollback_move_the_alias(fount, models):
    outputs = [
        fount("promote", "tiny@1").stdout,
        fount("promote", "tiny@3", "--alias", "candidate").stdout,
        fount("promote", "tiny@candidate").stdout,
        fount("rollback", "tiny").stdout,
    ]

    assert [
        "tiny@production: nothing -> version 1\n",
        "tiny@candidate: nothing -> version 3\n",
        "tiny@production: version 1 -> version 3\n",
        "tiny@production: version 3 -> version 1\n",
    ] == outputs
    assert {"production": 1, "candidate": 3} == ModelRepository(str(models)).read_aliases("tiny")


def test_moves_are_reported_as_json(fount):
    fount("promote", "tiny@1")

    promoted = json.loads(fount("promote", "tiny@2", "--json").stdout)
    rolled_back = json.loads(fount("rollback", "tiny", "--json").stdout)

    assert {"name": "tiny", "alias": "production", "previous": 1, "version": 2} == promoted
    assert {"name": "tiny", "alias": "production", "previous": 2, "version": 1} == rolled_back


def test_a_version_that_is_not_sound_is_not_promoted(fount, models):
    spoil(models, 2)

    result = fount("promote", "tiny@2")

    assert 1 == result.exit_code
    assert result.stderr.startswith("error: weights.safetensors is shorter")
    assert {} == ModelRepository(str(models)).read_aliases("tiny")


@pytest.fixture
def publish_measured(models):
    """Publish a version of `tiny` with a Frechet distance."""

    def publish(value, **changes):
        metric = Metric(value=value, interval=(value - 0.1, value + 0.1), floor=0.8, better="lower")
        record = make_record({"fid_10k_test": metric}, **changes)
        return publish_draft(models, evaluation=dump_evaluation(record)).version

    return publish


def test_a_version_that_is_worse_is_promoted_only_by_force(fount, models, publish_measured):
    good, bad = publish_measured(2.5), publish_measured(3.5)
    fount("promote", f"tiny@{good}")

    refused = fount("promote", f"tiny@{bad}")
    before = ModelRepository(str(models)).read_aliases("tiny")
    forced = fount("promote", f"tiny@{bad}", "--force")

    sentence = "tiny@5 is worse than tiny@4, beyond the intervals of both"
    figures = "fid_10k_test is 3.5 (3.4 to 3.6) against 2.5 (2.4 to 2.6)"
    assert (1, "") == (refused.exit_code, refused.stdout)
    assert f"error: {sentence}: {figures}\nhint: --force promotes it\n" == complaints(refused)
    assert {"production": good} == before
    assert (0, "tiny@production: version 4 -> version 5\n") == (forced.exit_code, forced.stdout)


@pytest.mark.parametrize("value", [2.0, 2.6], ids=["better", "within the intervals"])
def test_a_version_that_is_not_worse_is_promoted(fount, publish_measured, value):
    fount("promote", f"tiny@{publish_measured(2.5)}")

    result = fount("promote", f"tiny@{publish_measured(value)}")

    assert (0, "") == (result.exit_code, complaints(result))


def test_what_nobody_measured_is_promoted_with_a_note(fount, publish_measured):
    fount("promote", f"tiny@{publish_measured(2.5)}")

    result = fount("promote", "tiny@1")

    assert 0 == result.exit_code
    assert "note: nobody has measured tiny@1, so nothing is compared\n" == complaints(result)


def test_figures_of_other_conditions_are_not_compared(fount, publish_measured):
    fount("promote", f"tiny@{publish_measured(2.5)}")

    result = fount("promote", f"tiny@{publish_measured(3.5, judge={'sha256': '2' * 64})}")

    assert 0 == result.exit_code
    assert "note: figures are not compared: different judges looked at them\n" == complaints(result)


def test_promoting_what_the_alias_has_already_compares_nothing(fount):
    fount("promote", "tiny@1")

    result = fount("promote", "tiny@1")

    assert (0, "") == (result.exit_code, complaints(result))


def test_show_tells_the_figures(fount, publish_measured):
    publish_measured(2.5)

    assert re.search(r"quality +fid_10k_test 2\.5 \(2\.4 to 2\.6\)", fount("show", "tiny").stdout)
    assert re.search(r"quality +not measured", fount("show", "tiny@1").stdout)


def test_remove_deletes_after_a_yes(fount, models):
    assert 1 == fount("remove", "tiny@1", input="n\n").exit_code
    assert [1, 2, 3] == ModelRepository(str(models)).list_versions("tiny")

    assert 0 == fount("remove", "tiny@1", input="y\n").exit_code
    assert 0 == fount("remove", "tiny@2", "--yes").exit_code
    assert [3] == ModelRepository(str(models)).list_versions("tiny")


def test_remove_reports_json(fount):
    assert {"name": "tiny", "version": 1, "removed": True} == json.loads(
        fount("remove", "tiny@1", "--yes", "--json").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "sentences"),
    [
        (["show", "tiny@9"], "error: the model has no such version\nhint: versions: 1, 2, 3\n"),
        (["show", "nobody"], "error: there is no such model\nhint: models: other, tiny\n"),
        (["show", "tinny@1"], "error: there is no such model\nhint: did you mean `tiny`? models: other, tiny\n"),
        (["verify", "nobody"], "error: there is no such model\nhint: models: other, tiny\n"),
        (["promote", "tiny@candidate"], "error: the model has no such alias\nhint: aliases: none\n"),
        (["rollback", "tiny"], "error: the model has no such alias\n"),
        (["remove", "tiny@9", "--yes"], "error: the model has no such version\nhint: versions: 1, 2, 3\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_told_with_status_1(fount, arguments, sentences):
    result = fount(*arguments)

    assert (1, "", sentences) == (result.exit_code, result.stdout, complaints(result))


@pytest.mark.parametrize(
    "arguments",
    [["show", "a@@"], ["show"], ["promote", "tiny"], ["remove", "tiny"], ["remove", "tiny@production", "--yes"]],
    ids=" ".join,
)
def test_a_wrong_call_is_told_with_status_2(fount, arguments):
    assert 2 == fount(*arguments).exit_code


def test_the_repository_that_is_served_is_the_default(models, monkeypatch):
    monkeypatch.setenv("FOUNT_REPOSITORY__URL", str(models))

    result = CliRunner().invoke(app, ["models", "list", "--json"])

    assert 4 == len(json.loads(result.stdout)["versions"])


def test_words_from_a_manifest_cannot_steer_the_terminal(fount, models):
    (models / "tiny" / "1" / "manifest.json").write_text('{"[red]\x1b]0;evil\\u001b[31m": 1}')

    result = fount("verify", "tiny@1")

    assert 1 == result.exit_code
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("verb", ["list", "show", "verify", "promote", "rollback", "remove"])
def test_every_verb_has_help_with_an_example(fount, verb):
    result = fount(verb, "--help")

    assert 0 == result.exit_code
    assert f"fount models {verb}" in result.stdout
    assert "Example" in result.stdout


def test_every_change_is_recorded_with_who_made_it(fount):
    results = [fount("promote", "tiny@1"), fount("promote", "tiny@2"), fount("rollback", "tiny")]
    results += [fount("remove", "tiny@3", "--yes"), fount("remove", "tiny@9", "--yes")]

    assert [
        ("alias-moved", "tiny@production", None, 1, "done"),
        ("alias-moved", "tiny@production", 1, 2, "done"),
        ("alias-rolled-back", "tiny@production", 2, 1, "done"),
        ("version-removed", "tiny@3", 3, None, "done"),
        ("version-removed", "tiny@9", 9, None, "version-not-found"),
    ] == [line for result in results for line in audit_lines(result)]
    assert all('"who": "cli:' in result.stderr for result in results)


def test_reading_is_not_recorded(fount):
    assert [[], [], []] == [audit_lines(fount(*words)) for words in (["list"], ["show", "tiny"], ["verify"])]
