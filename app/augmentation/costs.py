"""What outputs cost, from what they cost of late."""

_WEIGHT = 0.1  # of the last job: follows a change of policies within some tens of jobs


class OutputCost:
    """Mean processor time of an output, of whatever images and policies came last."""

    def __init__(self) -> None:
        self._mean_s: float | None = None

    def observe(self, seconds: float, num_outputs: int) -> None:
        """Take note of what a job took.

        Args:
            seconds: All that it was busy.
            num_outputs: That it made; a job that made none says nothing.
        """
        if not num_outputs:
            return
        each_s = seconds / num_outputs
        self._mean_s = each_s if self._mean_s is None else self._mean_s + _WEIGHT * (each_s - self._mean_s)

    def predict(self, num_outputs: int) -> float:
        """Predict seconds of so many outputs; 0.0 while nothing was measured."""
        return num_outputs * (self._mean_s or 0.0)
