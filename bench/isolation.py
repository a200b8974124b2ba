"""Code of users and our own in one process, so that neither changes what the other computes.

What code can set for its process (`process_state`) is saved before a call into a user's file and restored after it, and
the modules that the file imported from its folders are taken away. What its import sets of the search for modules,
the environment, the current folder, the recursion limit and warnings lasts for its own code; all else is standard at
each call, and random streams start anew. A call into a user's code has the process to itself; our own work in other
threads waits, and runs in the standard state whatever the process has.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

from bench import process_state
from bench.beside import World

if TYPE_CHECKING:
    from torch import nn

NOWHERE = World()
_WORLDS: weakref.WeakKeyDictionary[Any, World] = weakref.WeakKeyDictionary()  # by class, function or metric


def belongs(found: Any, world: World) -> None:
    """Remember the world that an object from outside comes from; what cannot be remembered has none."""
    with suppress(TypeError):  # without weak references or a hash: neither a class nor a function nor a metric
        _WORLDS[found] = world


def world_of(found: Any) -> World:
    try:
        return _WORLDS.get(found, NOWHERE)
    except TypeError:
        return NOWHERE


@contextmanager
def user_code(world: World = NOWHERE, keep: bool = False) -> Iterator[None]:
    """Run a user's code inside it, alone; `keep` where it is the import whose settings last for the file.

    Within another call of the same thread the random streams go on, so that two outputs of a trial can differ.
    """
    with _TURN.alone() as depth:
        process_state.remember_threads()
        before = process_state.Snapshot(streams=depth == 1)
        try:
            process_state.standardize()
            process_state.apply(world.kept)
            if depth == 1:
                process_state.seed_streams()
            with world.entered():
                yield
        finally:
            if keep:
                world.kept = before.kept()
            before.restore()


@contextmanager
def our_code() -> Iterator[None]:
    """Run our own numerical work inside it, beside others' of ours, in the standard state of torch and NumPy."""
    with _TURN.together():
        changed = process_state.standardize()
        try:
            yield
        finally:
            process_state.undo(changed)


def within(found: Any) -> AbstractContextManager[None]:
    """`user_code` in the world that an object of a user's comes from."""
    return user_code(world_of(found))


Context = Callable[[], AbstractContextManager[None]]


def guarded(call: Callable, context: Context) -> Callable:
    """A function that runs in a context, whoever calls it."""
    if hasattr(call, "_unguarded"):
        return call

    @wraps(call)
    def run(*args: Any, **kwargs: Any) -> Any:
        with context():
            return call(*args, **kwargs)

    run._unguarded = call
    return run


def guarded_class(found: type, context: Context) -> type:
    """The class, whose objects run in a context when they are called."""
    if "__call__" not in vars(found) or not hasattr(found.__call__, "_unguarded"):
        call = found.__call__
        found.__call__ = guarded(getattr(call, "_unguarded", call), context)
    return found


def guarded_network(network: nn.Module, context: Context) -> nn.Module:
    """The network, which from now on runs in a context when it is called; a copy of it does so too."""
    kind = type(network)
    if hasattr(kind.__call__, "_unguarded"):
        return network
    said = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    network.__class__ = type(kind)(kind.__name__, (kind,), {**said, "__call__": guarded(kind.__call__, context)})
    return network


class _Turn:
    """One user's code alone, or any number of ours together."""

    def __init__(self):
        self._changed = threading.Condition()
        self._alone: int | None = None  # the thread that has the process to itself
        self._depth = 0
        self._together: dict[int, int] = {}  # threads of ours, and how deep each is in

    @contextmanager
    def alone(self) -> Iterator[int]:
        """Gives how many calls of this thread are in."""
        me = threading.get_ident()
        with self._changed:
            if me in self._together:
                raise RuntimeError("user code is called within our own: the caller has to say user_code")
            while self._alone not in (None, me) or self._together:
                self._changed.wait()
            self._alone = me
            self._depth += 1
        try:
            yield self._depth
        finally:
            with self._changed:
                self._depth -= 1
                if not self._depth:
                    self._alone = None
                    self._changed.notify_all()

    @contextmanager
    def together(self) -> Iterator[None]:
        me = threading.get_ident()
        with self._changed:
            while self._alone not in (None, me):
                self._changed.wait()
            counted = self._alone is None
            if counted:
                self._together[me] = self._together.get(me, 0) + 1
        try:
            yield
        finally:
            if counted:
                with self._changed:
                    self._together[me] -= 1
                    if not self._together[me]:
                        del self._together[me]
                        self._changed.notify_all()


_TURN = _Turn()
