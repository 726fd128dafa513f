"""Starting lanes: one process, or several that Lightning Fabric or ``torchrun`` starts."""

import atexit
import warnings

import torch.distributed

from app.core.errors import RecipeError
from app.core.settings import LaunchSettings
from app.training.compute.lanes import Lanes
from app.training.config import RuntimeConfig


def start_lanes(config: RuntimeConfig) -> Lanes:
    """Join the lanes of a run: those that ``torchrun`` started, else as many as the configuration says.

    Where this process is the first to come here, Fabric starts the others by running the same command again.

    Args:
        config: The device, and the lanes on this machine.

    Raises:
        RecipeError: If several lanes are asked for and Lightning Fabric is not installed.
    """
    is_external = torch.distributed.is_available() and torch.distributed.is_torchelastic_launched()
    if config.lanes == 1 and not is_external:
        return Lanes()
    try:
        # An extra, and seconds of imports that a single lane never needs.
        from lightning_fabric import Fabric  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise RecipeError("runtime.lanes: several lanes need `pip install 'fount[distributed]'`") from error
    lanes, num_nodes = config.lanes, 1
    if is_external:
        launched = LaunchSettings()
        lanes, num_nodes = launched.local_world_size, launched.world_size // launched.local_world_size
    is_gpu = config.device == "cuda" or (config.device == "auto" and torch.cuda.is_available())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are about threads, which are shared out elsewhere
        fabric = Fabric(accelerator="cuda" if is_gpu else "cpu", devices=lanes, num_nodes=num_nodes)
        fabric.launch()
    atexit.register(_leave_group)
    return Lanes(fabric, num_nodes=num_nodes)


def _leave_group() -> None:
    """End the threads of the collectives: one that drops a tensor while the interpreter ends aborts the process."""
    if torch.distributed.is_initialized():  # Fabric leaves a group of GPUs itself
        torch.distributed.destroy_process_group()
