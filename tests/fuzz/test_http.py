import sys

from tests.fuzz.web.running import serve_corpus

REQUESTS, SEED = 4000, 1
PATIENCE = 6  # other tests run at the same time


def test_requests_that_are_nearly_valid_are_answered_or_refused_and_nothing_else(tmp_path):
    with serve_corpus(tmp_path, PATIENCE) as watched:
        outcome = watched.attack(seed=SEED, first=0, count=REQUESTS, connections=16)

    sys.stdout.write(f"{dict(outcome.statuses)}")
    assert [] == outcome.findings, "\n".join(outcome.findings)
    assert outcome.sent == REQUESTS
    assert {200, 400, 404, 405, 422} <= outcome.statuses.keys()
