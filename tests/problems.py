"""What every error answer must be."""

PROBLEM_KEYS = {"type", "title", "status", "detail", "code", "request_id"}


def assert_problem(response, status: int, code: str) -> dict:
    assert (status, "application/problem+json") == (response.status_code, response.headers["content-type"])
    body = response.json()
    assert body.keys() >= PROBLEM_KEYS
    assert (status, code, f"/problems/{code}") == (body["status"], body["code"], body["type"])
    assert body["request_id"] == response.headers["x-request-id"] != ""
    return body
