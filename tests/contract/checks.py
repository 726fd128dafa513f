"""Our own check of answers; Schemathesis loads this file by its configuration."""

import schemathesis

# Documents know no models, classes and presets; and JSON Schema cannot say that fields exclude each other, that numbers
# are written without a fraction, what is in a file, or that a policy is one of those that `operations` describes.
REASONS = {
    "animated-image",
    "body-too-large",
    "invalid-parameter",
    "limit-exceeded",
    "no-encoder",
    "not-acceptable",
    "precondition-failed",
    "undecodable-image",
    "union-tag-invalid",
    "union-tag-not-found",
    "unknown-class",
    "unknown-field",
    "unknown-preset",
    "unsupported-image",
    "value-error",
}


@schemathesis.check
def refuses_for_a_reason(context, response, case):
    """A request that fits the schema may be refused for what the schema cannot say, and for nothing else."""
    is_valid = case.meta is not None and case.meta.generation.mode.is_positive
    if not is_valid or response.status_code not in {400, 406, 412, 413, 415, 422}:
        return
    problem = response.json()
    found = {item["code"] for item in problem.get("errors", []) if not is_whole_fraction(item, case.body)}
    codes = found if problem.get("errors") else {problem["code"]}

    assert codes <= REASONS, f"a valid request was refused for {sorted(codes - REASONS)}: {problem['detail']}"


def is_whole_fraction(item, body):
    """Tell whether a number such as `1.0` was refused: a whole number to JSON Schema, and none to us."""
    value = body
    for part in item["pointer"].split("/")[1:]:
        if not isinstance(value, dict | list):
            return False
        value = value[int(part)] if isinstance(value, list) else value.get(part)
    found = value.values() if isinstance(value, dict) else [value]  # pointers leave out names that callers choose
    return any(isinstance(one, float) and one.is_integer() for one in found)
