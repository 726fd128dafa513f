from reliability.api_kills import kill_services
from reliability.drains import drain_service
from reliability.swaps import swap_versions


def test_a_service_that_is_told_to_end_under_load_answers_what_it_accepted(make_setting, find_missed):
    findings = drain_service(make_setting(1))

    assert [] == find_missed(findings)
    assert findings.figures["answers"]["right"] > findings.figures["late_answers"] > 0


def test_children_of_a_killed_service_end_and_the_next_one_answers_the_same(make_setting, find_missed):
    findings = kill_services(make_setting(2))

    assert [] == find_missed(findings)
    assert findings.figures["until_the_last_child_was_gone_s"]["worst"] < 5


def test_an_alias_that_moves_under_load_mixes_no_versions(make_setting, find_missed):
    findings = swap_versions(make_setting(6))

    assert [] == find_missed(findings)
    assert {"tiny@1", "tiny@2"} == set(findings.figures["answers_by_version"])
