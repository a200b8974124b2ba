"""The engine of a Dask cluster, on this machine or on several: `local:4`, or the address of a scheduler.

Workers may have other paths. Pixels are sent with the jobs; weights and source files of users are sent once to each
worker, also to workers that join later; installed packages are checked (`bench.engines.plan_transfer`). Every thread
of a Dask worker starts a process for the networks, so that one that hangs or crashes does not end the worker.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

from bench.core.environment import cores
from bench.core.errors import BadInput, described
from bench.core.integers import integer_of
from bench.core.processes import isolated_children
from bench.engines.plan_transfer import PackedPlan, pack_plan
from bench.engines.pool import Pool
from bench.engines.worker import Reply, Workers
from bench.evaluation.task import Job
from bench.runs.plan import Plan

CONNECTION_TIMEOUT = 60  # seconds to wait for a scheduler, and for its first worker

try:
    from distributed import Client, KilledWorker, LocalCluster, WorkerPlugin, get_worker
except ImportError as error:
    raise BadInput("--dask needs the package distributed: pip install 'maskbench[dask]'") from error


@contextmanager
def _held_back_interrupts() -> Iterator[None]:
    """Context in which Ctrl-C waits until its end, and is blocked in the threads and processes started in it.

    A terminal sends it to the workers of a local cluster too, which would die before their client closes the cluster.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows sends Ctrl-C to no process of another group
        yield
        return
    resource_tracker.ensure_running()  # or the first thread that starts a process starts it, and unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Processes(WorkerPlugin):
    """The processes for a plan on every worker of the cluster."""

    def __init__(self, name: str, packed: PackedPlan, device: str, threads: int, timeout: float | None):
        self.name, self.workers = name, Workers(packed, (device,), threads, timeout)

    def teardown(self, worker) -> None:
        """End the processes when the plugin is removed or the worker shuts down."""
        self.workers.close()


class RunOnWorker:
    """The function that the cluster calls with each job."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, job: Job) -> Reply:
        """Run a job on the processes of this Dask worker."""
        return get_worker().plugins[self.name].workers.work(job)


class Dask(Pool):
    """A client of a cluster; a local cluster is started and ended with it."""

    def __init__(self, plan: Plan, address: str, device: str = "auto", timeout: float | None = None):
        self.address, self.cluster, threads = address, None, 1
        if address.startswith("local:"):
            try:
                count = integer_of(address.removeprefix("local:"), minimum=1)
            except ValueError:
                raise BadInput(
                    f"--dask: expected local:4 or the address of a scheduler such as tcp://host:8786, got {address}"
                ) from None
            threads = max(1, cores() // count)
            with isolated_children(), _held_back_interrupts():
                self.cluster = LocalCluster(
                    n_workers=count, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
                )
        self.client = self._client()
        self.plugin = Processes(f"maskbench-{id(self)}", pack_plan(plan, with_content=True), device, threads, timeout)
        self.client.register_plugin(self.plugin, name=self.plugin.name)
        executor = self.client.get_executor(pure=False)
        super().__init__(plan, executor, RunOnWorker(self.plugin.name), self._slots, (KilledWorker,))

    def _client(self) -> Client:
        try:
            client = Client(self.cluster or self.address, timeout=CONNECTION_TIMEOUT)
        except (OSError, ValueError, TimeoutError) as error:
            raise BadInput(f"no Dask scheduler answers at {self.address}: {described(error)}") from error
        try:
            client.wait_for_workers(1, timeout=CONNECTION_TIMEOUT)
        except TimeoutError as error:
            client.close()
            raise BadInput(
                f"the Dask scheduler at {self.address} has no worker: start one with dask worker {self.address}"
            ) from error
        return client

    def _slots(self) -> int:
        """The number of threads of all present workers."""
        return max(1, sum(self.client.nthreads().values()))

    def describe(self) -> dict[str, Any]:
        """Cluster, number of workers and device, for the manifest."""
        count = len(self.client.nthreads())
        return {"engine": f"Dask, {self.address}, {count} workers", "device": self.plugin.workers.settings[1][0]}

    def close(self) -> None:
        """Cancel waiting jobs and leave the cluster; a local one is shut down."""
        for future in self._waiting:
            future.cancel()
        if self.cluster is None:
            self.client.unregister_worker_plugin(self.plugin.name)
        self.executor.shutdown(wait=False)
        self.client.close()
        if self.cluster is not None:
            self.cluster.close()
