from reliability.worker_kills import crash_workers, hang_workers, kill_workers


def test_workers_killed_while_idle_loading_computing_and_replying_cost_no_answer(make_setting, find_missed):
    findings = kill_workers(make_setting(4))

    assert [] == find_missed(findings)
    assert 4 == findings.figures["recovery_s"]["count"]
    assert findings.figures["answers"]["right"] > 4


def test_a_worker_that_hangs_is_replaced_and_costs_no_answer(make_setting, find_missed):
    findings = hang_workers(make_setting(1))

    assert [] == find_missed(findings)
    assert findings.figures["recovery_s"]["worst"] > 0.5


def test_workers_that_crash_cost_no_answer(make_setting, find_missed):
    findings = crash_workers(make_setting(2))

    assert [] == find_missed(findings)
    assert 2 == findings.figures["recovery_s"]["count"]
