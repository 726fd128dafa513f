"""The body of every error answer: RFC 9457 problem details."""

from pydantic import BaseModel, ConfigDict, Field


class FieldProblem(BaseModel):
    """What is wrong with one value of the body or the address."""

    pointer: str = Field(description="JSON pointer of the value, or of its nearest known parent.")
    code: str = Field(description="Stable name of the rule that was broken.")
    detail: str = Field(description="The rule, in words. Never what was sent.")


class Problem(BaseModel):
    """RFC 9457 problem; further members hold typed facts such as ``limit`` or ``retry_after_s``."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Path of the page that explains this error.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: str = Field(description="Stable name of the error.")
    request_id: str
    errors: list[FieldProblem] | None = None
