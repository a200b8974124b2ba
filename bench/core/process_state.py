"""Process-wide and thread-wide settings that code can change: how each is read and restored, and its standard value.

Of torch: default dtype and device; gradient, inference and autocast modes; deterministic algorithms; precisions and
kernels; global module hooks; thread counts; printing; random streams. Of NumPy and Python: random streams, error and
print settings, decimals, locale, warnings, import search, environment, current folder, standard streams, signals,
built-in names. Torch is read only if it is already imported.
"""

from __future__ import annotations

import _signal
import builtins
import decimal
import gc
import locale
import logging
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Container
from functools import cache, partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

NO_STANDARD = object()  # no standard value: the setting keeps the value of the process
SIGNALS = tuple(  # those that this system has
    getattr(signal, name)
    for name in "SIGINT SIGTERM SIGHUP SIGALRM SIGUSR1 SIGUSR2 SIGCHLD SIGPIPE SIGFPE".split()
    if hasattr(signal, name)
)


class ProcessSetting(NamedTuple):
    """One setting: a getter that returns a comparable value, and a setter.

    kept  a value that a user's file sets while it is imported stays in force for its own code
    slow  expensive to read, and so not read around each call of a network
    """

    get: Callable[[], Any]
    set: Callable[[Any], Any]
    standard: Any = NO_STANDARD
    kept: bool = False
    slow: bool = False


class ProcessSnapshot:
    """The settings of this thread and its process at the time of construction.

    streams   include the random streams
    thorough  include the slow settings; otherwise only those at the indices `also`
    """

    def __init__(self, streams: bool = True, thorough: bool = True, also: Container[int] = ()):
        self.torch = "torch" in sys.modules
        self.settings = [
            (index, setting)
            for index, setting in enumerate(settings(self.torch))
            if thorough or not setting.slow or index in also
        ]
        self.values = [setting.get() for _, setting in self.settings]
        self.streams = (random.getstate(), np.random.get_bit_generator()) if streams else None
        self.torch_streams = _torch_streams() if streams and self.torch else None

    def standardize(self) -> None:
        """Set the settings that affect numbers to their standard values, where the snapshot differs."""
        for (_, setting), value in zip(self.settings, self.values, strict=True):
            if setting.standard is not NO_STANDARD and value != setting.standard:
                setting.set(setting.standard)
        if self.torch:
            sys.modules["torch"].set_flush_denormal(False)  # torch has no getter for it

    def restore(self) -> None:
        """Restore the settings that have changed; torch is set to the standard if it has been imported since."""
        for (_, setting), value in zip(self.settings, self.values, strict=True):
            if setting.get() != value:
                setting.set(value)
        if self.streams:
            random.setstate(self.streams[0])
            if (own := np.random.get_bit_generator()) is not self.streams[1]:
                np.random.set_bit_generator(self.streams[1])
                _SPARE.append(own)
        if self.torch_streams:
            _restore_torch_streams(self.torch_streams)
        if "torch" in sys.modules:
            sys.modules["torch"].set_flush_denormal(False)
            if not self.torch:
                standardize()

    def kept(self) -> dict[int, Any]:
        """The changed settings that stay in force for the file that changed them, by index in `settings`."""
        changed = {}
        for (index, setting), value in zip(self.settings, self.values, strict=True):
            if setting.kept and (now := setting.get()) != value:
                changed[index] = now
        return changed


def apply(kept: dict[int, Any]) -> None:
    """Apply the settings that a file made while it was imported."""
    for index, value in kept.items():
        _set(settings("torch" in sys.modules)[index], value)


def standardize() -> list[tuple[ProcessSetting, Any]]:
    """Set the settings that affect numbers to their standard values; return the previous ones, for `undo`."""
    changed = []
    for setting in settings("torch" in sys.modules):
        if setting.standard is not NO_STANDARD and (value := setting.get()) != setting.standard:
            changed.append((setting, value))
            setting.set(setting.standard)
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)  # torch has no getter for it
    return changed


def undo(changed: list[tuple[ProcessSetting, Any]]) -> None:
    """Revert `standardize`."""
    for setting, value in reversed(changed):
        setting.set(value)


def seed_streams() -> None:
    """Seed the random streams of torch, NumPy and Python with 0, until `ProcessSnapshot.restore`."""
    np.random.set_bit_generator(_SPARE.pop() if _SPARE else np.random.MT19937())
    np.random.seed(0)
    random.seed(0)
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.default_generator.manual_seed(0)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(0)


_SPARE: list[np.random.MT19937] = []  # reused: constructing one takes 0.25 ms


def settings(with_torch: bool) -> tuple[ProcessSetting, ...]:
    """The settings of the process that user-defined code may change, and that are restored."""
    return (*_PYTHON, *_torch_settings()) if with_torch else _PYTHON


def _set(setting: ProcessSetting, value: Any) -> None:
    if setting.get() != value:
        setting.set(value)


# Python and NumPy


def _attribute(owner: Any, name: str, standard: Any = NO_STANDARD, kept: bool = False) -> ProcessSetting:
    return ProcessSetting(partial(getattr, owner, name), partial(setattr, owner, name), standard, kept)


def _list(owner: Any, name: str, kept: bool = False) -> ProcessSetting:
    """A list that may be changed in index or replaced: it is the same object again, with the same content."""

    def put(value: tuple[list, tuple]) -> None:
        value[0][:] = value[1]
        setattr(owner, name, value[0])

    def get() -> tuple[list, tuple]:
        return _Identity(getattr(owner, name)), tuple(getattr(owner, name))

    return ProcessSetting(get, lambda value: put((value[0].of, value[1])), kept=kept)


class _Identity:
    """Compares an object by identity, not by content."""

    def __init__(self, of: Any):
        self.of = of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.of is other.of


def _dictionary(get: Callable[[], dict]) -> ProcessSetting:
    def put(value: dict) -> None:
        target = get()
        target.clear()
        target.update(value)

    return ProcessSetting(lambda: get().copy(), put)


class _NamespaceState:
    """The names of a module or class and the objects bound to them; equal if all bindings are equal."""

    def __init__(self, owner: Any):
        self.names, self.objects = tuple(vars(owner)), tuple(vars(owner).values())

    def __eq__(self, other: object) -> bool:
        try:
            return self.objects == other.objects
        except (ValueError, TypeError, RuntimeError):  # objects such as arrays, whose comparison is not a bool
            return False


def _names(owner: Any, slow: bool = False) -> ProcessSetting:
    """The names of a module or class, which code may rebind; what a file rebinds stays in force for it."""

    def put(value: _NamespaceState) -> None:
        before, now = dict(zip(value.names, value.objects, strict=True)), dict(vars(owner))
        for name, stands_for in now.items():
            if name not in before and not isinstance(
                stands_for, ModuleType
            ):  # submodules imported in the meantime stay
                delattr(owner, name)
        for name, stood_for in before.items():
            if now.get(name, NO_STANDARD) is not stood_for:
                setattr(owner, name, stood_for)

    return ProcessSetting(lambda: _NamespaceState(owner), put, kept=True, slow=slow)


def _set_warnings(value: tuple) -> None:
    filters, content = value
    filters.of[:] = content
    warnings.filters = filters.of
    warnings._filters_mutated()  # resets the cached decisions of each module


def _set_environment(value: dict) -> None:
    environment = os.environ
    for key in environment._data.keys() - value.keys():
        del environment[environment.decodekey(key)]
    for key, content in value.items():
        if environment._data.get(key) != content:
            environment[environment.decodekey(key)] = environment.decodevalue(content)
    if hasattr(time, "tzset"):  # not on Windows
        time.tzset()


def _folder() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # the folder was removed
        return None


def _set_signals(handlers: tuple | None) -> None:
    for number, handler in zip(SIGNALS, handlers or (), strict=False):
        if handler is not None and _signal.getsignal(number) != handler:
            if number == getattr(signal, "SIGALRM", None):  # cancel a timer of the user's
                signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(number, handler)


def _signals() -> tuple | None:
    main = threading.current_thread() is threading.main_thread()
    return tuple(map(_signal.getsignal, SIGNALS)) if main else None  # `_signal` returns plain numbers, which is faster


def _context() -> tuple:
    now = decimal.getcontext()
    return now.prec, now.rounding, now.Emin, now.Emax, now.capitals, now.clamp, *now.traps.values()


def _pillow() -> tuple:
    """Pillow's limits for large and truncated images."""
    image, file = sys.modules.get("PIL.Image"), sys.modules.get("PIL.ImageFile")
    return (image.MAX_IMAGE_PIXELS, file.LOAD_TRUNCATED_IMAGES) if image and file else (89_478_485, False)


def _set_pillow(value: tuple) -> None:
    sys.modules["PIL.Image"].MAX_IMAGE_PIXELS, sys.modules["PIL.ImageFile"].LOAD_TRUNCATED_IMAGES = value


def _set_context(value: tuple) -> None:
    now = decimal.getcontext()
    now.prec, now.rounding, now.Emin, now.Emax, now.capitals, now.clamp = value[:6]
    for trap, on in zip(tuple(now.traps), value[6:], strict=True):
        now.traps[trap] = on


_PYTHON = (
    _list(sys, "path", kept=True),
    _list(sys, "meta_path", kept=True),
    _list(sys, "path_hooks", kept=True),
    ProcessSetting(lambda: os.environ._data.copy(), _set_environment, kept=True),
    ProcessSetting(_folder, lambda value: value is not None and os.chdir(value), kept=True),
    ProcessSetting(sys.getrecursionlimit, sys.setrecursionlimit, kept=True),
    ProcessSetting(lambda: (_Identity(warnings.filters), tuple(warnings.filters)), _set_warnings, kept=True),
    _attribute(sys, "dont_write_bytecode"),
    *(_attribute(sys, name) for name in ("argv", "stdin", "stdout", "stderr", "excepthook", "displayhook",
                                         "unraisablehook")),
    ProcessSetting(sys.getswitchinterval, sys.setswitchinterval),
    ProcessSetting(sys.gettrace, sys.settrace),
    ProcessSetting(sys.getprofile, sys.setprofile),
    ProcessSetting(gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    ProcessSetting(lambda: locale.setlocale(locale.LC_ALL), lambda value: locale.setlocale(locale.LC_ALL, value)),
    ProcessSetting(_context, _set_context),
    ProcessSetting(_signals, _set_signals),
    ProcessSetting(socket.getdefaulttimeout, socket.setdefaulttimeout),
    _attribute(tempfile, "tempdir"),
    _attribute(logging.root, "level"),
    _attribute(logging.root.manager, "disable"),
    _list(logging.root, "handlers"),
    *map(_names, (builtins, warnings, random, time)),
    _names(np, slow=True), _names(np.random, slow=True),
    ProcessSetting(_pillow, _set_pillow),
    ProcessSetting(np.geterr, lambda value: np.seterr(**value),
                   {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}),
    ProcessSetting(np.geterrcall, np.seterrcall),
    ProcessSetting(np.getbufsize, np.setbufsize),
    ProcessSetting(np.get_printoptions, lambda value: np.set_printoptions(**value)),
)  # fmt: skip


# Torch

_PRECISIONS = (
    ("generic", "all"),
    *((where, what) for where in ("cuda", "mkldnn") for what in ("all", "matmul", "conv", "rnn")),
)
_STANDARD_PRECISIONS = ("none", "none", "none", "tf32", "tf32", "none", "none", "none", "none")


@cache
def _torch_settings() -> tuple[ProcessSetting, ...]:
    """Settings of torch that change numbers, select other kernels or make operations fail."""
    import torch
    from torch.nn.modules import module as of_modules

    def switch(name: str, standard: Any, setter: str = "") -> ProcessSetting:
        get, put = getattr(torch._C, f"_get_{name}"), getattr(torch._C, setter or f"_set_{name}")
        return ProcessSetting(get, put, standard)

    hooks = [
        _dictionary(lambda name=name: getattr(of_modules, name))
        for name, value in vars(of_modules).items()
        if name.startswith("_global_") and isinstance(value, dict)
    ]
    sdp = ("flash", "mem_efficient", "math", "cudnn", "overrideable")
    return (
        ProcessSetting(torch.get_default_dtype, torch.set_default_dtype, torch.float32),
        ProcessSetting(_modes, _set_modes),
        ProcessSetting(_default_device, _set_default_device, None),
        ProcessSetting(torch.is_grad_enabled, torch._C._set_grad_enabled),
        ProcessSetting(torch.is_inference_mode_enabled, _set_inference),
        *(ProcessSetting(lambda kind=kind: _autocast(kind), lambda value, kind=kind: _set_autocast(kind, value))
          for kind in ("cpu", "cuda")),
        ProcessSetting(torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled, True),
        ProcessSetting(_nesting, _set_nesting),
        ProcessSetting(torch.is_anomaly_enabled, torch.set_anomaly_enabled, False),
        ProcessSetting(_deterministic, _set_deterministic, (False, False)),
        switch("deterministic_fill_uninitialized_memory", True),
        ProcessSetting(_precisions, _set_precisions, _STANDARD_PRECISIONS),
        switch("cublas_allow_fp16_reduced_precision_reduction", (True, True)),
        switch("cublas_allow_bf16_reduced_precision_reduction", (True, True)),
        switch("cublas_allow_fp16_accumulation", False),
        switch("cudnn_enabled", True), switch("cudnn_benchmark", False), switch("cudnn_deterministic", False),
        switch("mkldnn_enabled", True), switch("mkldnn_deterministic", False), switch("nnpack_enabled", True),
        *(switch(f"{name}_sdp_enabled", True, setter)
          for name in sdp if hasattr(torch._C, setter := f"_set_sdp_use_{name}")),
        ProcessSetting(torch._C._get_qengine, torch._C._set_qengine),
        ProcessSetting(torch.is_warn_always_enabled, torch.set_warn_always, False),
        _attribute(torch.backends.opt_einsum, "enabled"), _attribute(torch.backends.opt_einsum, "strategy"),
        ProcessSetting(lambda: vars(torch._tensor_str.PRINT_OPTS).copy(), vars(torch._tensor_str.PRINT_OPTS).update),
        ProcessSetting(torch.get_num_threads, _set_threads),
        *hooks,
        *map(_names, (torch.nn, torch.nn.functional, torch.nn.Module)),
        *(_names(owner, slow=True) for owner in (torch, torch.Tensor, torch.nn.init)),
    )  # fmt: skip


def _torch() -> Any:
    return sys.modules["torch"]


def _deterministic() -> tuple[bool, bool]:
    c = _torch()._C
    return c._get_deterministic_algorithms(), c._get_deterministic_algorithms_warn_only()


def _set_deterministic(value: tuple[bool, bool]) -> None:
    _torch()._C._set_deterministic_algorithms(value[0], warn_only=value[1])


def _default_device() -> Any:
    return getattr(_torch()._GLOBAL_DEVICE_CONTEXT, "device_context", None)


def _set_default_device(value: Any) -> None:
    """torch.set_default_device; its entry in the stack of function modes is handled by `_set_modes`."""
    torch = _torch()
    if value is None and _default_device() is not None:
        stack = [mode for mode in _modes()[0] if mode is not _default_device()]
        _set_modes((tuple(stack), _modes()[1]))
    torch._GLOBAL_DEVICE_CONTEXT.device_context = value
    if value is not None and value not in _modes()[0]:
        _set_modes(((value, *_modes()[0]), _modes()[1]))


def _modes() -> tuple[tuple, tuple]:
    """The stacks of function and dispatch modes of this thread, such as `with torch.device('meta')`."""
    c = _torch()._C
    return (
        tuple(c._get_function_stack_at(index) for index in range(c._len_torch_function_stack())),
        tuple(c._get_dispatch_stack_at(index) for index in range(c._len_torch_dispatch_stack())),
    )


def _set_modes(value: tuple[tuple, tuple]) -> None:
    c = _torch()._C
    for _ in range(c._len_torch_function_stack()):
        c._pop_torch_function_stack()
    for mode in value[0]:
        c._push_on_torch_function_stack(mode)
    for _ in range(c._len_torch_dispatch_stack()):
        c._pop_torch_dispatch_stack()
    for mode in value[1]:
        c._push_on_torch_dispatch_stack(mode)


_GUARDS = []  # kept alive: a guard reverts its setting when it is deleted


def _set_inference(on: bool) -> None:
    guard = _torch()._C._InferenceMode(on)
    guard.__enter__()
    _GUARDS.append(guard)


def _autocast(kind: str) -> tuple:
    torch = _torch()
    return torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)


def _set_autocast(kind: str, value: tuple) -> None:
    torch = _torch()
    torch.set_autocast_enabled(kind, value[0])
    torch.set_autocast_dtype(kind, value[1])


def _nesting() -> int:
    torch = _torch()
    torch.autocast_increment_nesting()
    return torch.autocast_decrement_nesting()


def _set_nesting(value: int) -> None:
    torch = _torch()
    while _nesting() > value:
        torch.autocast_decrement_nesting()
    while _nesting() < value:
        torch.autocast_increment_nesting()
    torch.clear_autocast_cache()


def _precisions() -> tuple:
    get = _torch()._C._get_fp32_precision_getter
    return tuple(get(*key) for key in _PRECISIONS)


def _set_precisions(value: tuple) -> None:
    torch = _torch()
    torch._C._set_float32_matmul_precision("highest")  # the older API keeps a value of its own
    for key, precision in zip(_PRECISIONS, value, strict=True):
        torch._C._set_fp32_precision_setter(*key, precision)


_THREADS: list[int] = []  # thread count of the main thread


def _set_threads(count: int) -> None:
    """Set the thread count of this thread's operations; MKL's process-wide count is reset to the main thread's."""
    torch = _torch()
    torch.set_num_threads(count)
    if threading.current_thread() is not threading.main_thread():
        again = threading.Thread(target=torch.set_num_threads, args=(_main_threads(),))
        again.start()
        again.join()


def _main_threads() -> int:
    return _THREADS[0] if _THREADS else _torch().get_num_threads()


def remember_threads() -> None:
    """Store the current thread count of the main thread."""
    if "torch" in sys.modules and threading.current_thread() is threading.main_thread():
        _THREADS[:] = [_torch().get_num_threads()]


def _torch_streams() -> tuple:
    torch = _torch()
    return torch.default_generator.get_state(), torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else ()


def _restore_torch_streams(value: tuple) -> None:
    torch = _torch()
    torch.default_generator.set_state(value[0])
    if value[1]:
        torch.cuda.set_rng_state_all(value[1])
