"""The rows of the training benchmark: what is trained, for how long, and which figures it shall reach."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

ROWS_FILE = Path(__file__).with_name("training_rows.toml")

Limits = Annotated[dict[str, float], Field(default_factory=dict)]


class Bar(NamedTuple):
    """A limit that a figure shall keep."""

    figure: str
    limit: float
    is_ceiling: bool

    def is_met(self, value: float) -> bool:
        """Tell whether a value is on the right side, the limit itself included."""
        return value <= self.limit if self.is_ceiling else value >= self.limit


class Row(BaseModel):
    """One configuration with one budget.

    Attributes:
        id: On the command line, in file names and in the name of the model.
        title: In the table.
        table: Which one.
        recipe: A name that `fount train` knows.
        overrides: ``--set`` values on top of it.
        core_minutes: CPU time that training may take.
        reserve_s: CPU seconds of these that are kept for what follows the last step, as fitting a prior.
        seeds: One run each.
        at_most: Figures with their upper limits.
        at_least: Figures with their lower limits.
        about: Why it is here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    title: str
    table: Literal["mnist", "stacked"]
    recipe: str
    overrides: tuple[str, ...] = ()
    core_minutes: float = Field(gt=0)
    reserve_s: float = Field(0.0, ge=0)
    seeds: tuple[int, ...] = (0,)
    at_most: Limits
    at_least: Limits
    about: str

    @property
    def bars(self) -> list[Bar]:
        """Every limit, ceilings first."""
        ceilings = [Bar(figure, limit, is_ceiling=True) for figure, limit in self.at_most.items()]
        return ceilings + [Bar(figure, limit, is_ceiling=False) for figure, limit in self.at_least.items()]

    def name_run(self, seed: int) -> str:
        """Name a run of this row: its model, its files."""
        return f"{self.id}-s{seed}"

    def settings(self, seed: int) -> list[str]:
        """List what is changed in the recipe: the row's own values, then what makes runs comparable."""
        return [*self.overrides, "clock=cpu", "threads=1", f"seed={seed}"]

    def build_command(self, seed: int, *, data: str, out: str) -> list[str]:
        """Build the arguments of ``python`` for one run.

        Args:
            seed: Of the run.
            data: Where the images are.
            out: Folder of runs and models.
        """
        budget_s = 60 * self.core_minutes - self.reserve_s
        command = ["-m", "app", "train", self.recipe, "--data", data, "--name", self.name_run(seed)]
        command += ["--time-budget", f"{budget_s:g}s"]
        for setting in self.settings(seed):
            command += ["--set", setting]
        command += ["--publish", "--evaluate", "full"]
        return [*command, "--repository", f"{out}/models", "--runs", f"{out}/runs", "--json"]


def load_rows(path: Path = ROWS_FILE) -> dict[str, Row]:
    """Read the rows, in the order of the file, by their identifiers.

    Raises:
        ValueError: If two rows share an identifier, or a value is not valid.
    """
    rows = [Row.model_validate(entry) for entry in tomllib.loads(path.read_text("utf-8"))["row"]]
    found = {row.id: row for row in rows}
    if len(found) != len(rows):
        raise ValueError(f"{path.name}: two rows have the same id")
    return found
