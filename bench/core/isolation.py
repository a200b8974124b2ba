"""Isolate user code from the project's own in one process, so that neither changes the other's numbers.

Process-wide settings (`process_state`) are saved before a call into a user's file and restored after it, and modules
that the file imported from its folders are removed from `sys.modules`. Settings that the file makes while it is
imported (import search, environment, current folder, recursion limit, warnings) stay in force for its own code; all
others are standard at each call, and random streams are seeded again. A call into user code holds the process
exclusively; the project's own work in other threads waits, and always runs in the standard state.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

from bench.core import process_state
from bench.core.errors import described
from bench.core.user_imports import ImportScope

if TYPE_CHECKING:
    from torch import nn

Context = Callable[[], AbstractContextManager[None]]
NO_SCOPE = ImportScope()
_SCOPES: weakref.WeakKeyDictionary[Any, ImportScope] = weakref.WeakKeyDictionary()  # by class, function or metric


def remember_scope(found: Any, scope: ImportScope) -> None:
    """Store the import scope of a user-defined object; one that cannot be referenced weakly or hashed has none."""
    with suppress(TypeError):
        _SCOPES[found] = scope


def scope_of(found: Any) -> ImportScope:
    """The import scope of a user-defined object; an empty one if it is not known."""
    try:
        return _SCOPES.get(found, NO_SCOPE)
    except TypeError:
        return NO_SCOPE


@contextmanager
def user_code(scope: ImportScope = NO_SCOPE, keep: bool = False, thorough: bool = True) -> Iterator[None]:
    """Context that runs user code exclusively, with the modules of its import scope.

    keep      store the settings that the code makes: those of an import stay in force for the file
    thorough  also compare the names of large modules (`process_state`), which is slow for a single call

    Nested in another call of the same thread, random streams continue, so that two outputs of a trial can differ.
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
            with scope.entered(paths), _endings_are_errors():
                yield
        finally:
            if keep:
                scope.kept = before.kept()
            before.restore()


class UserCodeEnded(RuntimeError):
    """User code raised an exception that would end the program, such as SystemExit."""


@contextmanager
def _endings_are_errors() -> Iterator[None]:
    """Context in which any exception but an interrupt becomes an Exception."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise UserCodeEnded(described(error)) from error


@contextmanager
def our_code() -> Iterator[None]:
    """Context for the project's own numerical work, shared by threads, in the standard state of torch and NumPy."""
    with _LOCK.shared():
        changed = process_state.standardize()
        try:
            yield
        finally:
            process_state.undo(changed)


def let_others_run() -> AbstractContextManager[None]:
    """Context in which a thread of `our_code` waits for other threads, and these may run user code."""
    return _LOCK.released()


def in_scope_of(found: Any, thorough: bool = True) -> AbstractContextManager[None]:
    """`user_code` with the import scope of a user-defined object."""
    return user_code(scope_of(found), thorough=thorough)


def call_context(found: Any) -> Context:
    """The context of a single call of a user-defined object."""
    return lambda: in_scope_of(found, thorough=False)


def guarded(call: Callable[..., Any], context: Context) -> Callable[..., Any]:
    """The function, always run in a context."""
    if hasattr(call, "_unguarded"):
        return call

    @wraps(call)
    def run(*args: Any, **kwargs: Any) -> Any:
        with context():
            return call(*args, **kwargs)

    run._unguarded = call  # type: ignore[attr-defined]
    return run


def guarded_class(found: type, context: Context) -> type:
    """The class, changed so that calls of its instances run in a context."""
    if "__call__" not in vars(found) or not hasattr(found.__call__, "_unguarded"):
        call = found.__call__
        found.__call__ = guarded(getattr(call, "_unguarded", call), context)  # type: ignore[method-assign]
    return found


def guarded_network(network: nn.Module, context: Context) -> nn.Module:
    """The network, changed so that calls of it, and of its copies, run in a context."""
    kind = type(network)
    if hasattr(kind.__call__, "_unguarded"):
        return network
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__doc__": kind.__doc__}
    members = {**names, "__call__": guarded(kind.__call__, context)}
    network.__class__ = type(kind)(kind.__name__, (kind,), members)  # type: ignore[misc]
    return network


class _ProcessLock:
    """Readers-writer lock: one thread runs user code exclusively, or any number share the process for the project's."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._owner: int | None = None  # thread that holds the lock exclusively
        self._depth = 0
        self._sharing: dict[int, int] = {}  # nesting depth of each thread that shares the lock

    @contextmanager
    def exclusive(self) -> Iterator[int]:
        """Hold the lock exclusively; yields the nesting depth. A shared hold of this thread is released meanwhile."""
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
        """Release a shared hold of this thread inside the context, and acquire it again afterwards."""
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
