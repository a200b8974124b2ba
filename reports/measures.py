"""The quantities that tables and charts show."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measure:
    """A column of the summary; `unit` is '' for a pure number, `digits` are decimals shown."""

    key: str
    title: str
    unit: str
    digits: int
    higher_is_better: bool
    meaning: str
    words: str = field(default="", compare=False)  # how it is computed

    @property
    def heading(self) -> str:
        """Title with the unit: 'PSNR (dB)'."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


PSNR = Measure("psnr", "PSNR", "dB", 2, True, "peak signal-to-noise ratio; higher is better")
SSIM = Measure("ssim", "SSIM", "", 4, True, "structural similarity; higher is better")
LPIPS = Measure("lpips", "LPIPS", "", 4, False, "learned perceptual distance; lower is better")
GAP = Measure("gap", "PSNR drop", "dB", 2, False, "PSNR at the reference noise minus PSNR here; of models with nearly "
              "equal PSNR, the smaller the better")  # fmt: skip
