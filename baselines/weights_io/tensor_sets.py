"""Find the sets of tensors in a checkpoint, and select one: an average of the weights if there is one.

Trainers store the last weights and an average of them under various names. An average is recognized by a word in its
name (`model_ema`, `swa_model`, ...) and by its tensors, which have the names and shapes of the last weights; papers
report scores of the average. Names of nested sets are joined by dots: `callbacks.EMA.state_dict`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from torch import Tensor

# fmt: off
USUAL_NAMES = ("params", "state_dict", "model_state_dict", "model_state", "model", "network", "net", "netG",
               "generator")
FORMER_NAMES = ("params_ema", "ema_state_dict", *USUAL_NAMES)  # the order of older versions
AVERAGE_WORDS = {"ema", "swa", "avg", "average", "averaged", "averages", "averaging", "shadow", "polyak"}
LAST_WORDS = {"online", "current"}  # in names of the last weights next to an average
COUNTER_NAMES = {"n_averaged", "initted", "step", "steps", "num_updates", "updates", "decay", "optimization_step"}
BUFFER_NAMES = ("running_mean", "running_var", "num_batches_tracked", "attn_mask", "relative_position_index")
# fmt: on
MAX_PREFIXES_COMPARED = 200
MAX_NAMES_SHOWN = 5  # in a message

CHOOSE = "choose one with --part NAME, or with part='NAME' in a model's spec"

Names = tuple[str, ...]
Sets = dict[Names, dict[str, Tensor]]


@dataclass(frozen=True)
class Contents:
    """The selected set of tensors of a checkpoint, and its other sets.

    part     name of the selected set, '' for tensors at the top level
    average  whether it is an average of the weights
    others   the other sets by name
    former   whether older versions selected the same set, so that their rows are valid for these tensors
    remark   further note on the file
    """

    tensors: dict[str, Tensor]
    part: str = ""
    average: bool = False
    others: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    former: bool = True
    remark: str = ""

    def summary(self) -> str:
        """Which set was selected: 'used model_ema, an average of the weights; other sets in the file: model'."""
        kind = ", an average of the weights" if self.average else ""
        taken = (
            f"used {listed([self.part])}{kind}; other sets in the file: {listed(self.others)}" if self.others else ""
        )
        return "; ".join(filter(None, (taken, self.remark)))


class SeveralSets(ValueError):
    """A file has several sets of tensors, none with a usual name. `sets`: the tensors by name."""

    def __init__(self, file: str, sets: dict[str, dict[str, Tensor]]):
        super().__init__(f"{file}: expected one set of tensors, got {len(sets)} ({listed(sets)}): {CHOOSE}")
        self.sets = sets


def choose(content: dict, file: str, part: str = "") -> Contents:
    """Select the set of tensors called `part`; by default the average of the weights, or else the last weights.

    Raises ValueError if there is none, no such part, or several without a usual name.
    """
    sets = find_sets(content) or find_sets(content, in_lists=True)
    if not sets:
        raise ValueError(f"{file}: {describe_unnamed(content)}")
    networks = {names: tensors for names, tensors in sets.items() if _is_network(tensors)} or sets
    names = _named(sets, part, file) if part else _by_default(networks, file)
    tensors = _tensors_of(sets, names)
    average = _is_average(names)
    if average:
        renamed = (_renamed(tensors, last) for other, last in networks.items() if not _is_average(other))
        tensors = next(filter(None, renamed), tensors)
    others = {".".join(other): tensors for other, tensors in networks.items() if other != names}
    remark = "" if average else _nameless_average(content)
    return Contents(_without_counters(tensors), ".".join(names), average, others, names == _former(sets), remark)


def find_sets(content: dict, in_lists: bool = False) -> Sets:
    """All sets of tensors in nested dictionaries by their path of keys, outermost first.

    in_lists  also those in lists of dictionaries, whose numbers, from 0, are the keys
    """
    sets: Sets = {}
    for names, inner in _dictionaries(content, in_lists):
        if tensors := {str(key): value for key, value in inner.items() if isinstance(value, Tensor)}:
            sets |= _split_average(names, tensors)
    return sets


def _dictionaries(content: dict, in_lists: bool = False) -> Iterator[tuple[Names, dict]]:
    """Yield (path of keys, dictionary) breadth-first, each dictionary once, without those of optimizers."""
    waiting, seen = deque([((), content)]), set()
    while waiting:
        names, content = waiting.popleft()
        if id(content) in seen or _is_optimizer(content):
            continue
        seen.add(id(content))
        yield names, content
        for key, value in content.items():
            if isinstance(value, dict) and not str(key).lower().startswith("optim"):
                waiting.append(((*names, str(key)), value))
            elif in_lists and isinstance(value, list | tuple) and not str(key).lower().startswith("optim"):
                inner = (item for item in value if isinstance(item, dict))
                waiting += [((*names, str(key), str(number)), item) for number, item in enumerate(inner)]


def _is_optimizer(content: dict) -> bool:
    return "param_groups" in content and "state" in content


def _is_network(tensors: Mapping[str, Tensor]) -> bool:
    return any(value.dim() > 1 for value in tensors.values())


def _split_average(names: Names, tensors: dict[str, Tensor]) -> Sets:
    """{names: tensors}, or one set per prefix if the tensors with one prefix are an average of others.

    The tensors keep their full names.
    """
    firsts = list(dict.fromkeys(key.partition(".")[0] for key in tensors if "." in key))
    averages = [first for first in firsts if _is_average((first,))]
    for average in averages if len(firsts) <= MAX_PREFIXES_COMPARED else ():
        of_average = without_prefix(tensors, average)
        if any(_renamed(of_average, without_prefix(tensors, other)) for other in firsts if other not in averages):
            return {(*names, first): _with_prefix(tensors, first) for first in firsts}
        rest = {key: value for key, value in tensors.items() if not key.startswith(f"{average}.")}
        if _renamed(of_average, rest):
            return {names: rest, (*names, average): _with_prefix(tensors, average)}
    return {names: tensors}


def without_prefix(tensors: Mapping[str, Tensor], first: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `first` and a dot, with that prefix removed."""
    return {key.removeprefix(f"{first}."): value for key, value in tensors.items() if key.startswith(f"{first}.")}


def _with_prefix(tensors: Mapping[str, Tensor], first: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `first` and a dot."""
    return {key: value for key, value in tensors.items() if key.startswith(f"{first}.")}


def _by_default(sets: Sets, file: str) -> Names:
    """The set with the average of the weights, or else the last weights. Raises SeveralSets for several networks."""
    last = _last(sets, file)
    if last == ("state_dict",) and "steps" in sets.get(("ema_state_dict",), {}):
        return last  # mmengine stores the average as state_dict, and the last weights as ema_state_dict
    if _is_average(last):
        return last
    return next((names for names in sets if _is_average(names) and _renamed(sets[names], sets[last])), last)


def _last(sets: Sets, file: str) -> Names:
    """The set with the weights: one with a usual name, or the only one. Raises SeveralSets."""
    usual = _usual(sets, USUAL_NAMES)
    if usual is not None:
        return usual
    averages = [names for names in sets if _is_average(names)]
    others = [names for names in sets if names not in averages]
    averaged = [other for other in others if any(_renamed(sets[names], sets[other]) for names in averages)]
    for candidates in (averaged, others, averages):
        if len(candidates) == 1:
            return candidates[0]
    if not others and all(_renamed(sets[names], sets[averages[0]]) for names in averages):
        return averages[0]
    raise SeveralSets(file, {".".join(names): tensors for names, tensors in sets.items()})


def _usual(sets: Iterable[Names], usual: Names) -> Names | None:
    """The first set in the order of `usual` whose path has only usual names, inner sets before outer ones."""
    ranks = {names: [*map(usual.index, names), len(usual)] for names in sets if all(name in usual for name in names)}
    return min(ranks, key=ranks.get, default=None)


def _former(sets: Sets) -> Names | None:
    """The set that older versions selected."""
    usual = _usual(sets, FORMER_NAMES)
    return next(iter(sets)) if usual is None and len(sets) == 1 else usual


def _is_average(names: Names) -> bool:
    return any(_split_words(name) & AVERAGE_WORDS for name in names) and not _split_words(names[-1]) & LAST_WORDS


def _split_words(name: str) -> set[str]:
    """'EMACallback.stateDict_0.99' -> {'ema', 'callback', 'state', 'dict'}"""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def _renamed(average: Mapping[str, Tensor], last: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """The average with the names of the last weights, missing buffers filled from these; None if they do not match.

    Prefixes of names are ignored, and names in the average may lack their dots.
    """
    for bare in _without_shared_prefixes(average):
        values = {name.replace(".", ""): average[key] for name, key in bare.items()}
        for names in _without_shared_prefixes(last):
            if renamed := _matched(values, {name.replace(".", ""): key for name, key in names.items()}, last):
                return renamed
    return None


def _matched(values: dict[str, Tensor], names: dict[str, str], last: Mapping[str, Tensor]) -> dict[str, Tensor]:
    taken = {
        key: values[name] for name, key in names.items() if name in values and values[name].shape == last[key].shape
    }
    lacking = {key: last[key] for key in last if key not in taken}
    whole = all(key.endswith(BUFFER_NAMES) or key in COUNTER_NAMES for key in lacking) and _is_network(taken)
    unknown = values.keys() - names.keys() - COUNTER_NAMES
    return {**lacking, **taken} if whole and not unknown else {}


def _without_shared_prefixes(tensors: Mapping[str, Tensor]) -> Iterator[dict[str, str]]:
    """Yield {name: full name}, then repeatedly without counters and the first component that all names share."""
    bare = {key: key for key in tensors}
    yield bare
    while True:
        named = {name: key for name, key in bare.items() if name not in COUNTER_NAMES}
        if len({name.partition(".")[0] for name in named}) != 1 or not all("." in name for name in named):
            return
        bare = {name.partition(".")[2]: key for name, key in named.items()}
        yield bare


def _without_counters(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without counters of an averaging class: n_averaged next to module.*"""
    rest = {key: value for key, value in tensors.items() if key not in COUNTER_NAMES}
    firsts = {key.partition(".")[0] for key in rest}
    wrapped = len(firsts) == 1 and (firsts == {"module"} or _is_average(tuple(firsts)))
    return rest if wrapped else dict(tensors)


def _named(sets: Sets, part: str, file: str) -> Names:
    """The set named by its full path or last key, or by a prefix inside a set. Raises ValueError for others."""
    firsts = [
        (*names, first)
        for names, tensors in sets.items()
        for first in dict.fromkeys(key.partition(".")[0] for key in tensors if "." in key)
    ]
    for names in (sets, firsts):
        joined = {".".join(one): one for one in names}
        if part in joined:
            return joined[part]
        ends = [one for name, one in joined.items() if name.endswith(f".{part}")]
        if len(ends) == 1:
            return ends[0]
    known = [".".join(names) for names, tensors in sets.items() if names and _is_network(tensors)]
    raise ValueError(
        f"{file}: expected a set of tensors ({listed(known or [''])}), got {printable(part)}: check --part"
    )


def _tensors_of(sets: Sets, names: Names) -> dict[str, Tensor]:
    """The set at this path, or the tensors of a set whose names begin with its last key."""
    return sets[names] if names in sets else _with_prefix(sets[names[:-1]], names[-1])


def _nameless_average(content: dict) -> str:
    """Note on an average stored as a list of tensors without names; '' if there is none."""
    for names, inner in _dictionaries(content):
        for key, value in inner.items():
            if _split_words(str(key)) & AVERAGE_WORDS and isinstance(value, list | tuple) and _of(value, Tensor):
                return (
                    f"{printable('.'.join((*names, str(key))))}, an average of the weights, is a list of tensors "
                    "without names and cannot be used: save the state_dict() of the averaged network"
                )
    return ""


def describe_unnamed(content: dict) -> str:
    """Description of a dictionary without tensors by name, and what to do: "expected ..., got ...: ..."."""
    keys, advice = {str(key) for key in content}, "name the file with the weights"
    if _is_optimizer(content):
        return f"expected weights, got the state of an optimizer: {advice}"
    if keys & {"last_epoch", "base_lrs", "_step_count"}:
        return f"expected weights, got the state of a learning-rate scheduler: {advice}"
    if keys & {"optimizer", "optimizers", "schedulers", "optimizer_states"} and not keys & {*FORMER_NAMES}:
        return f"expected weights, got the state of a trainer (optimizers, schedulers) without any: {advice}"
    if nameless := _nameless_average(content):
        return f"expected tensors by name, got none: {nameless}"
    for key, value in content.items():
        if isinstance(value, list | tuple) and _of(value, Tensor):
            return (
                f"expected tensors by name, got a list of tensors in {printable(str(key))}: save a state_dict() instead"
            )
    return f"expected tensors by name, got only the keys {listed(map(str, content)) or 'none'}: save a state_dict()"


def _of(values: list | tuple, kind: type) -> bool:
    return bool(values) and all(isinstance(value, kind) for value in values)


def listed(names: Iterable[str]) -> str:
    """The first names in one line; '' stands for tensors at the top level."""
    names = list(names)
    first = [printable(name) or "the top level" for name in names[:MAX_NAMES_SHOWN]]
    return ", ".join([*first, *(["..."] if len(names) > MAX_NAMES_SHOWN else [])])


def printable(name: str) -> str:
    """A name from a file, at most 60 printable characters."""
    return "".join(character if character.isprintable() else "?" for character in name)[:60]
