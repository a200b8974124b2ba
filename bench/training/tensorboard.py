"""Write losses and test curves of a training for TensorBoard: `tensorboard --logdir runs/train`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from baselines.train.training import TrainingProgress
from bench.core.errors import BadInput


@contextmanager
def events(folder: Path) -> Iterator[Callable[[TrainingProgress, int], None]]:
    """A function that writes the progress of a training to a folder. Raises BadInput if TensorBoard is not installed.

    Events of a killed run after the iteration from which the training is resumed are dropped.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise BadInput(
            "--tensorboard: the package tensorboard is not installed: pip install 'maskbench[train]'"
        ) from None
    with ExitStack() as stack:
        writers = []

        def write(state: TrainingProgress, began: int) -> None:
            """Write the progress after an iteration of a training that was started or resumed at iteration `began`."""
            if not writers:
                writers.append(stack.enter_context(SummaryWriter(str(folder), purge_step=began + 1)))
            for tag, value in _values(state).items():
                writers[0].add_scalar(tag, value, state.iteration)

        yield write


def _values(state: TrainingProgress) -> dict[str, float]:
    scores = {f"psnr/{noise}": value for noise, value in (state.scores or {}).items()}
    return {"loss": state.loss, "rate": state.rate, "iterations_per_second": state.iterations_per_second, **scores}
