"""Code of users and our own in one process, so that neither changes what the other computes.

What code can set for its process (`process_state`) is saved before a call into a user's file and restored after it, and
the modules that the file imported from its folders are taken away. What its import sets of the search for modules,
the environment, the current folder, the recursion limit and warnings lasts for its own code; all else is standard at
each call, and random streams start anew. A call into a user's code has the process to itself; our own work in other
threads waits, and runs in the standard state whatever the process has.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

from bench import process_state
from bench.user_imports import ImportScope

if TYPE_CHECKING:
    from torch import nn

Context = Callable[[], AbstractContextManager[None]]
NO_SCOPE = ImportScope()
_SCOPES: weakref.WeakKeyDictionary[Any, ImportScope] = weakref.WeakKeyDictionary()  # by class, function or metric


def remember_scope(found: Any, scope: ImportScope) -> None:
    """Remember the scope that an object from outside comes from; what cannot be remembered has none."""
    with suppress(TypeError):  # without weak references or a hash: neither a class nor a function nor a metric
        _SCOPES[found] = scope


def scope_of(found: Any) -> ImportScope:
    try:
        return _SCOPES.get(found, NO_SCOPE)
    except TypeError:
        return NO_SCOPE


@contextmanager
def user_code(scope: ImportScope = NO_SCOPE, keep: bool = False, thorough: bool = True) -> Iterator[None]:
    """Run a user's code inside it, alone; `keep` where it is the import whose settings last for the file.

    Without `thorough` the names of large modules are not compared (`process_state`), which takes long for one call.

    Within another call of the same thread the random streams go on, so that two outputs of a trial can differ.
    """
    with _LOCK.exclusive() as depth:
        process_state.remember_threads()
        before = process_state.ProcessSnapshot(depth == 1, thorough, scope.kept)
        try:
            paths = tuple(sys.path)
            before.standardize()
            process_state.apply(scope.kept)
            if depth == 1:
                process_state.seed_streams()
            with scope.entered(paths):
                yield
        finally:
            if keep:
                scope.kept = before.kept()
            before.restore()


@contextmanager
def our_code() -> Iterator[None]:
    """Run our own numerical work inside it, beside others' of ours, in the standard state of torch and NumPy."""
    with _LOCK.shared():
        changed = process_state.standardize()
        try:
            yield
        finally:
            process_state.undo(changed)


def let_others_run() -> AbstractContextManager[None]:
    """Inside it a thread of `our_code` waits for others, which may run a user's code meanwhile."""
    return _LOCK.released()


def in_scope_of(found: Any, thorough: bool = True) -> AbstractContextManager[None]:
    """`user_code` in the scope that an object of a user's comes from."""
    return user_code(scope_of(found), thorough=thorough)


def call_context(found: Any) -> Context:
    """What one call of such an object runs in."""
    return lambda: in_scope_of(found, thorough=False)


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


class _ProcessLock:
    """One thread with users' code alone, or any number of threads with ours together."""

    def __init__(self):
        self._changed = threading.Condition()
        self._owner: int | None = None  # the thread that has the process to itself
        self._depth = 0
        self._sharing: dict[int, int] = {}  # threads of ours, and how deep each is in

    @contextmanager
    def exclusive(self) -> Iterator[int]:
        """Gives how many calls of this thread are in. What it is in together with others is interrupted by it."""
        me = threading.get_ident()
        with self.released():
            with self._changed:
                self._changed.wait_for(lambda: self._owner in (None, me) and not self._sharing)
                self._owner = me
                self._depth += 1
            try:
                yield self._depth
            finally:
                with self._changed:
                    self._depth -= 1
                    if not self._depth:
                        self._owner = None
                        self._changed.notify_all()

    @contextmanager
    def shared(self) -> Iterator[None]:
        if self._owner == threading.get_ident():
            yield
            return
        self._enter(1)
        try:
            yield
        finally:
            self._leave(1)

    @contextmanager
    def released(self) -> Iterator[None]:
        """What this thread is in together with others is left inside it, and entered again afterwards."""
        depth = self._sharing.get(threading.get_ident(), 0)
        if not depth:
            yield
            return
        self._leave(depth)
        try:
            yield
        finally:
            self._enter(depth)

    def _enter(self, depth: int) -> None:
        me = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: me in self._sharing or self._owner is None)
            self._sharing[me] = self._sharing.get(me, 0) + depth

    def _leave(self, depth: int) -> None:
        me = threading.get_ident()
        with self._changed:
            self._sharing[me] -= depth
            if not self._sharing[me]:
                del self._sharing[me]
                self._changed.notify_all()


_LOCK = _ProcessLock()
