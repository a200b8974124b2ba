"""What the commands that look inside networks share: patches, protocol, device and run folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench import datasets as data_sets
from bench import protocols, spec
from bench.environment import device_of
from bench.errors import BadInput
from bench.files import StoreFull
from bench.inside import findings
from bench.inside.patches import Patches, cut
from bench.protocols import Protocol
from bench.runs import contents
from bench.runs.store import ROWS_FILE, Store


@dataclass(frozen=True)
class Setting:
    """Where pixels come from and where results go."""

    patches: Patches
    protocol: Protocol
    seed: int
    device: torch.device
    out: Path

    def described(self) -> dict[str, Any]:
        """For the settings of a result: what a reader needs to make it again."""
        return {
            "datasets": list(self.patches.datasets),
            "patches": len(self.patches.patches),
            "side": self.patches.side,
            **self._channels,
            "overlapping": self.patches.overlapping,
            "images": len({patch.image for patch in self.patches.patches}),
            "pixels": self.patches.pixels,
            "protocol": self.protocol.name,
            "seed": self.seed,
        }

    def how(self, **settings: Any) -> dict[str, Any]:
        """The columns of a finding that say on what, under which protocol, with which settings, and where."""
        text = {"patches": len(self.patches.patches), "side": self.patches.side, "pixels": self.patches.pixels,
                **self._channels, **settings}  # fmt: skip
        return {
            "dataset": ", ".join(self.patches.datasets),
            "protocol": self.protocol.name,
            "settings": findings.settings_text(text),
            "device": str(self.device),
        }

    @property
    def _channels(self) -> dict[str, int]:
        """Said of greyscale patches alone, whose numbers were others while they counted as colour."""
        return {"channels": 1} if self.patches.channels == 1 else {}


def make(
    datasets: str | None = None,
    data: Sequence[Path] = (),
    count: int = 96,
    side: int = 128,
    protocol: str = "stored",
    seed: int = 0,
    device: str = "auto",
    out: Path = Path("runs/latest"),
) -> Setting:
    """A setting from the options of a command: data set specs and folders, patches and their side, and so on.

    Raises BadInput.
    """
    sources = [*spec.split(datasets or ""), *data] or ["builtin"]
    chosen = [data_sets.load_dataset(source) for source in sources]
    names = [dataset.name for dataset in chosen]
    if len(set(names)) < len(names):
        raise BadInput(f"two data sets are called {max(names, key=names.count)!r}: name each once")
    if (out / ROWS_FILE).exists():
        with Store.open(out) as store:
            contents.check_same_pictures(store.connection, chosen, out)
    loaded = protocols.load_protocol(protocol)
    target = device_of(device)
    return Setting(cut(chosen, count, side), loaded, seed, target, out)


@contextmanager
def opened(out: Path) -> Iterator[Store]:
    """The run folder, for writing. Raises BadInput where there is no room."""
    try:
        with Store.create(out) as store:
            yield store
    except StoreFull as error:
        raise BadInput(f"{error}. Make room, or name another folder with --out") from None
