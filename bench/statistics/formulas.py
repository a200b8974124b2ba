"""Every formula of the statistics, as data: for pages, for `bench compare --formulas`, and for papers."""

from __future__ import annotations

from dataclasses import dataclass

from bench.noise.level_check import NEARLY_CLEAN_PSNR


@dataclass(frozen=True)
class Formula:
    """A quantity: its name, its formula in plain characters, what it says in words, and who it is from."""

    name: str
    formula: str
    words: str
    source: str = ""


FORMULAS = (
    Formula(
        "Mean",
        "mean over images i of x(i)",
        "The seeds of an image are averaged first. Failed rows are in no mean.",
    ),
    Formula(
        "In distribution, out of distribution (OOD)",
        "a noise is in distribution for a model if it is one of the noises that it was trained on: of the same kind, "
        "minimum <= parameter <= maximum",
        "What a model was trained on stands on its card: gaussian(sigma=0-55). Another level of Gaussian noise is OOD "
        "where it is outside of that range. Methods without training count Gaussian 15 as theirs, at which their "
        "presets were chosen; where the training noise is unknown, all but the reference noise is taken as OOD.",
    ),
    Formula(
        "Group",
        "models of equal training noise; ranks, bold and headlines compare within a group alone",
        "The first is that of the models trained on the reference noise, beside which methods without training stand. "
        "All models of a group are compared under one set of noises: those that are OOD for every one of them.",
    ),
    Formula(
        "OOD mean",
        "mean over the settings that are OOD for every model of the group, then over images",
        "Of the images that have a score in each setting that was run on their data set. Noise that leaves the stored "
        f"picture nearly as it is, mean PSNR of the noisy input >= {NEARLY_CLEAN_PSNR:g} dB, is in no OOD mean.",
    ),
    Formula(
        "Best model",
        "the highest OOD mean of PSNR, with the models from which its paired difference has a 95% interval that "
        "includes zero",
        "These are statistically tied. A model is below the noisy input if its mean is lower than that of the noisy "
        "pictures themselves, over the same images and settings.",
    ),
    Formula(
        "PSNR drop",
        "g(i) = PSNR(i, reference noise) - PSNR(i, noise); quoted and ranked for a model m only if "
        "mean(m) >= mean(noisy input), and mean(best) - mean(m) <= 1 dB or m is tied with the best",
        "In dB, of the same image: what another noise than the reference noise costs. A model that is poor everywhere "
        "drops little, hence the condition; means are OOD means of PSNR within a group.",
    ),
    Formula(
        "Interval",
        "BCa bootstrap of the mean over images: 9,999 resamples of P photographs, quantiles at "
        "Phi(z0 + (z0 + z) / (1 - a (z0 + z))), z = -/+ sqrt(P / (P - 1)) t(0.975, P - 1)",
        "95%. Photographs are drawn with replacement, all crops of one together; z0 corrects the bias, a the skewness "
        "(from leaving out each photograph). With t for 1.96 the interval of few photographs is as wide as it has to "
        "be: of normal values it covers the mean in 94 of 100 cases for 7 photographs (plain BCa in 87), in 76 for 3. "
        "None for fewer.",
        "Efron, JASA 1987; Hesterberg, The American Statistician 2015",
    ),
    Formula(
        "Difference",
        "d(i) = x(i, one side) - x(i, the other)",
        "Of the same noisy pixels; its interval is that of the mean of d. It says how much the difference would move "
        "with other photographs.",
    ),
    Formula(
        "p, permutation test",
        "share of sign choices s with |sum over photographs of s(j) d(j)| >= |sum of d(j)|",
        "Two-sided, d(j) the sum over the images of photograph j. All 2^P choices up to 13 photographs, so that p is "
        "at least 2 / 2^P (0.016 for 7); else 9,999 random ones and the observed. It asks about the mean, as the "
        "interval does.",
        "Pitman, 1937",
    ),
    Formula(
        "p, Wilcoxon's test",
        "signed-rank test of the mean differences of photographs",
        "On request. Less swayed by single photographs; it asks whether differences lie symmetrically about zero, and "
        "not about their mean.",
        "Wilcoxon, 1945 (scipy.stats.wilcoxon)",
    ),
    Formula(
        "p, Holm",
        "for the k-th smallest of m: the largest of (m - j + 1) p(j) over j <= k, at most 1",
        "Corrected for the number of comparisons shown, within each metric, OOD means apart; comparisons "
        "whose images are all equal are not counted. If those below 0.05 are called different, any is so wrongly in at "
        "most 5 of 100 such tables.",
        "Holm, Scandinavian Journal of Statistics 1979",
    ),
    Formula(
        "Spread over trainings",
        "sd = sqrt(s(one side)^2 + s(the other)^2); least and most of all pairs of trainings",
        "s is the standard deviation of the means of one side's trainings (0 for a single one). So much the difference "
        "of one training of each varies; the interval says nothing of it.",
    ),
    Formula(
        "Rank",
        "from 1 + the models that are better to all models minus those that are worse",
        "Better: the interval of the paired difference lies above zero. Pairs are taken one by one, without correction "
        "for their number. Bold in a column: the best, and all whose difference from it has an interval with zero in "
        "it.",
    ),
    Formula(
        "Mean rank",
        "mean over images of the rank among the models, 1 the best",
        "Within each image that all models have; ties share the mean of their ranks. Its interval is over photographs.",
        "Friedman, JASA 1937",
    ),
    Formula(
        "Robustness",
        "mean over noises c of sum over levels l of e(model, c, l) / sum over l of e(baseline, c, l)",
        "In the manner of mCE: e is the mean over images of the root mean square error 255 / 10^(PSNR / 20), noises "
        "are those that are OOD. The baseline has 1, below 1 is better; its interval is over photographs, of all "
        "noises together.",
        "after Hendrycks and Dietterich, ICLR 2019",
    ),
)


def text() -> str:
    """The formulas, a paragraph each."""
    parts = (
        f"{one.name}: {one.formula}\n  {one.words}" + (f" ({one.source})" if one.source else "") for one in FORMULAS
    )
    return "\n\n".join(parts)
