"""Which sets of tensors a checkpoint holds, and which of them is the network: an average of the weights where one is.

Trainers keep the last weights and an average of them side by side, under many names. An average is recognized by a
word in its name (`model_ema`, `swa_model`, ...) and by its tensors, which are the last weights' with other values;
the networks that papers report are the averages. Names of nested sets are joined by dots: `callbacks.EMA.state_dict`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from torch import Tensor

USUAL_NAMES = (
    "params",
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "network",
    "net",
    "netG",
    "generator",
)
FORMER_NAMES = (
    "params_ema",
    "ema_state_dict",
    *USUAL_NAMES,
)  # the order of older versions, with which stored rows were made
AVERAGE_WORDS = {
    "ema",
    "swa",
    "avg",
    "average",
    "averaged",
    "averages",
    "averaging",
    "shadow",
    "polyak",
}  # words in names
LAST_WORDS = {"online", "current"}  # words in the names of the last weights beside an average
COUNTER_NAMES = {"n_averaged", "initted", "step", "steps", "num_updates", "updates", "decay", "optimization_step"}
BUFFER_NAMES = ("running_mean", "running_var", "num_batches_tracked", "attn_mask", "relative_position_index")
MAX_PREFIXES_COMPARED = 200  # so many first names at most are compared with each other
MAX_NAMES_SHOWN = 5  # so many sets at most are named in a message

CHOOSE = "choose one with --part NAME, or with part='NAME' in a model's spec"

Names = tuple[str, ...]
Sets = dict[Names, dict[str, Tensor]]


@dataclass(frozen=True)
class Contents:
    """The tensors that are taken from a checkpoint, and what else lies there.

    part     name of the set that was taken, '' for tensors that are in no dictionary
    average  whether it is an average of the weights
    others   the other sets by name
    former   whether older versions took this set too, so that rows made with them are rows of these tensors
    remark   what else is to be known of the file, in words
    """

    tensors: dict[str, Tensor]
    part: str = ""
    average: bool = False
    others: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    former: bool = True
    remark: str = ""

    def words(self) -> str:
        """What was taken and what else is there: 'took model_ema, an average of the weights; also in it: model'."""
        kind = ", an average of the weights" if self.average else ""
        taken = f"took {listed([self.part])}{kind}; also in the file: {listed(self.others)}" if self.others else ""
        return "; ".join(filter(None, (taken, self.remark)))


class SeveralSets(ValueError):
    """A file holds several sets of tensors by name, of which none has a usual name."""

    def __init__(self, file: str, sets: dict[str, dict[str, Tensor]]):
        super().__init__(f"{file} holds {len(sets)} sets of tensors ({listed(sets)}): {CHOOSE}")
        self.sets = sets


def choose(content: dict, file: str, part: str = "") -> Contents:
    """The set of tensors called `part`; by default the average of the network's weights, or else the weights.

    Raises ValueError for none, for a part that is not there, and for several without a usual name.
    """
    sets = find_sets(content)
    if not sets:
        raise ValueError(f"{file} {describe_unnamed(content)}")
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


def find_sets(content: dict) -> Sets:
    """All sets of tensors in nested dictionaries by the names that lead to each, the outermost first."""
    sets: Sets = {}
    for names, inner in _dictionaries(content):
        if tensors := {str(key): value for key, value in inner.items() if isinstance(value, Tensor)}:
            sets |= _split_average(names, tensors)
    return sets


def _dictionaries(content: dict) -> Iterator[tuple[Names, dict]]:
    """A dictionary and those in it, the outermost first, each once; none of an optimizer's."""
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


def _is_optimizer(content: dict) -> bool:
    return "param_groups" in content and "state" in content


def _is_network(tensors: Mapping[str, Tensor]) -> bool:
    return any(value.dim() > 1 for value in tensors.values())


def _split_average(names: Names, tensors: dict[str, Tensor]) -> Sets:
    """{names: tensors}; where a first name of the tensors is an average of others of them, a set for each first name.

    The tensors keep their names.
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
    """The tensors whose names begin with `first` and a dot, without these."""
    return {key.removeprefix(f"{first}."): value for key, value in tensors.items() if key.startswith(f"{first}.")}


def _with_prefix(tensors: Mapping[str, Tensor], first: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `first` and a dot."""
    return {key: value for key, value in tensors.items() if key.startswith(f"{first}.")}


def _by_default(sets: Sets, file: str) -> Names:
    """The names of the average of the network's weights, or else of these. Raises ValueError for several networks."""
    last = _last(sets, file)
    if last == ("state_dict",) and "steps" in sets.get(("ema_state_dict",), {}):
        return last  # mmengine's: it saves the average as state_dict, and the last weights as ema_state_dict
    if _is_average(last):
        return last
    return next((names for names in sets if _is_average(names) and _renamed(sets[names], sets[last])), last)


def _last(sets: Sets, file: str) -> Names:
    """The names of the network's weights: usual ones, or those of the only set. Raises ValueError for several."""
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
    """Of sets whose names are all usual ones the first in their order, inner sets before outer ones."""
    ranks = {names: [*map(usual.index, names), len(usual)] for names in sets if all(name in usual for name in names)}
    return min(ranks, key=ranks.get, default=None)


def _former(sets: Sets) -> Names | None:
    """The names of the set that older versions took."""
    usual = _usual(sets, FORMER_NAMES)
    return next(iter(sets)) if usual is None and len(sets) == 1 else usual


def _is_average(names: Names) -> bool:
    return any(_split_words(name) & AVERAGE_WORDS for name in names) and not _split_words(names[-1]) & LAST_WORDS


def _split_words(name: str) -> set[str]:
    """'EMACallback.stateDict_0.99' -> {'ema', 'callback', 'state', 'dict'}"""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def _renamed(average: Mapping[str, Tensor], last: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """An average under the names of the weights that it is of, whose buffers fill what it lacks; None if of others.

    Prefixes of either's names do not count, and the average's may have lost their dots.
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
    strange = values.keys() - names.keys() - COUNTER_NAMES
    return {**lacking, **taken} if whole and not strange else {}


def _without_shared_prefixes(tensors: Mapping[str, Tensor]) -> Iterator[dict[str, str]]:
    """Names without counters, then without the prefix that all others share, and so on: without it -> with it."""
    bare = {key: key for key in tensors}
    yield bare
    while True:
        named = {name: key for name, key in bare.items() if name not in COUNTER_NAMES}
        if len({name.partition(".")[0] for name in named}) != 1 or not all("." in name for name in named):
            return
        bare = {name.partition(".")[2]: key for name, key in named.items()}
        yield bare


def _without_counters(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without what a class that averages counts beside a network: n_averaged beside module.*"""
    rest = {key: value for key, value in tensors.items() if key not in COUNTER_NAMES}
    firsts = {key.partition(".")[0] for key in rest}
    wrapped = len(firsts) == 1 and (firsts == {"module"} or _is_average(tuple(firsts)))
    return rest if wrapped else dict(tensors)


def _named(sets: Sets, part: str, file: str) -> Names:
    """The names of the set that a part means: all of them or the last; also of what begins with a name in a set.

    Raises ValueError.
    """
    firsts = [(*names, first) for names, tensors in sets.items()
              for first in dict.fromkeys(key.partition(".")[0] for key in tensors if "." in key)]  # fmt: skip
    for names in (sets, firsts):
        joined = {".".join(one): one for one in names}
        if part in joined:
            return joined[part]
        ends = [one for name, one in joined.items() if name.endswith(f".{part}")]
        if len(ends) == 1:
            return ends[0]
    known = [".".join(names) for names, tensors in sets.items() if names and _is_network(tensors)]
    raise ValueError(f"{file} holds no set of tensors called {printable(part)}; it holds {listed(known or [''])}")


def _tensors_of(sets: Sets, names: Names) -> dict[str, Tensor]:
    """The set of these names, or the part of a set that begins with the last of them."""
    return sets[names] if names in sets else _with_prefix(sets[names[:-1]], names[-1])


def _nameless_average(content: dict) -> str:
    """In words, that an average in the file is a list of tensors without names; '' where none is."""
    for names, inner in _dictionaries(content):
        for key, value in inner.items():
            if _split_words(str(key)) & AVERAGE_WORDS and isinstance(value, list | tuple) and _of(value, Tensor):
                return (
                    f"{printable('.'.join((*names, str(key))))}, an average of the weights, is a list of tensors without "
                    "names, which cannot be assigned to layers: to use it, save the averaged network's state_dict()"
                )
    return ""


def describe_unnamed(content: dict) -> str:
    """What a dictionary without tensors by name is, and what to do: "is an optimizer's state, ..."."""
    keys, network = {str(key) for key in content}, "take the file of the network's weights itself"
    if _is_optimizer(content):
        return f"is an optimizer's state, not the weights of a network: {network}"
    if keys & {"last_epoch", "base_lrs", "_step_count"}:
        return f"is the state of a learning-rate scheduler, not the weights of a network: {network}"
    if keys & {"optimizer", "optimizers", "schedulers", "optimizer_states"} and not keys & {*FORMER_NAMES}:
        return f"is a trainer's state (optimizers, schedulers) without the weights of a network: {network}"
    if nameless := _nameless_average(content):
        return f"holds no tensors by name: {nameless}"
    for key, value in content.items():
        if isinstance(value, list | tuple) and _of(value, dict):
            return (
                f"holds no tensors by name: its {printable(str(key))} is a list of {len(value)} dictionaries of tensors; "
                "save the one you mean, a state_dict, by itself"
            )
        if isinstance(value, list | tuple) and _of(value, Tensor):
            return (
                f"holds no tensors by name: its {printable(str(key))} is a list of tensors; save a state_dict() instead"
            )
    return f"holds no tensors; its keys are {listed(map(str, content)) or 'none'}"


def _of(values: list | tuple, kind: type) -> bool:
    return bool(values) and all(isinstance(value, kind) for value in values)


def listed(names: Iterable[str]) -> str:
    """The first names, printable and in one line; '' of a set stands for tensors in no dictionary."""
    names = list(names)
    first = [printable(name) or "the tensors in no dictionary" for name in names[:MAX_NAMES_SHOWN]]
    return ", ".join([*first, *(["..."] if len(names) > MAX_NAMES_SHOWN else [])])


def printable(name: str) -> str:
    """A name out of a file in printable characters, at most 60."""
    return "".join(character if character.isprintable() else "?" for character in name)[:60]
