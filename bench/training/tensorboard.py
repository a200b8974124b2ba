"""A training's losses and test curves for TensorBoard: `tensorboard --logdir runs/train`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from baselines.training import TrainingProgress
from bench.errors import BadInput


@contextmanager
def events(folder: Path) -> Iterator[Callable[[TrainingProgress, int], None]]:
    """A function that writes what a training says of itself into a folder. Raises BadInput without TensorBoard.

    What an earlier, killed run of the training wrote beyond the iteration that it goes on from is dropped.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise BadInput("--tensorboard needs the package tensorboard: pip install 'maskbench[train]'") from None
    with ExitStack() as stack:
        writers = []

        def write(state: TrainingProgress, began: int) -> None:
            """What is said after an iteration, by a training that went on from iteration `began`."""
            if not writers:
                writers.append(stack.enter_context(SummaryWriter(str(folder), purge_step=began + 1)))
            for tag, value in _values(state).items():
                writers[0].add_scalar(tag, value, state.iteration)

        yield write


def _values(state: TrainingProgress) -> dict[str, float]:
    scores = {f"psnr/{noise}": value for noise, value in (state.scores or {}).items()}
    return {"loss": state.loss, "rate": state.rate, "iterations_per_second": state.iterations_per_second, **scores}
