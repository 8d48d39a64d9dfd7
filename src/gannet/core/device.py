"""The one module that knows devices: precision, memory layout, threads, optimizer."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

Precision = Literal["float32", "bfloat16"]
N = TypeVar("N", bound=nn.Module)


def best_device() -> str:
    """``cuda`` or ``mps`` where there is one, else ``cpu``."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def largest_side(device: str) -> int:
    """Side in pixels of the largest square image size that is suggested for training."""
    return 64 if device == "cpu" else 256


def may_use_bfloat16(device: str) -> bool:
    """Whether bfloat16 products may be faster here, so that measuring it is worthwhile.

    On CPUs without AMX or AVX512-BF16 they are emulated, at less than half the rate.
    """
    if device == "cuda":
        return torch.cuda.is_bf16_supported()
    # These checks are private (torch 2.13); where torch lacks them, float32 is always right.
    names = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    checks: list[Callable[[], bool]] = [getattr(torch.cpu, name, lambda: False) for name in names]
    return device == "cpu" and any(each() for each in checks)


def autocast(device: str, precision: Precision) -> torch.autocast:
    """Networks in ``precision``; a context that changes nothing for 32 bit."""
    return torch.autocast(device, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def to_device(numbers: Tensor, device: str) -> Tensor:
    """The same numbers on a device; a GPU fetches them while this process goes on.

    From memory that may be swapped out a copy waits until all work that was asked for is done.
    """
    if device.startswith("cuda") and numbers.device.type == "cpu" and numbers.numel():
        held = torch.empty_like(numbers, pin_memory=True).copy_(numbers)
        return held.to(device, non_blocking=True)
    return numbers.to(device)


def wait_for(device: str) -> None:
    """Return once all that was asked of a device is done: it works on while this process asks."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def device_of(network: nn.Module) -> str:
    """The device that a network is on; ``cpu`` for one without parameters and buffers."""
    tensors = chain(network.parameters(), network.buffers())
    return next((str(each.device) for each in tensors), "cpu")


def to_channels_last(network: N) -> N:
    """The network with its convolution kernels in channels-last order, which is faster."""
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue, reportArgumentType]  # missing in torch's stubs


def batch_to_channels_last(samples: Tensor, *, channels_last: bool) -> Tensor:
    """A batch in the memory order that ``to_channels_last`` networks read fastest.

    Args:
        samples: ``(B, *shape)``.
        channels_last: Whether they are images ``(B, C, H, W)``; all others stay as they are.
    """
    return samples.contiguous(memory_format=torch.channels_last) if channels_last else samples


def adam(weights: Iterable[Tensor], betas: tuple[float, float], rate: float) -> torch.optim.Adam:
    """Adam, fused (one pass over all weights) where the device supports it."""
    listed = list(weights)
    fused = bool(listed) and listed[0].device.type in ("cpu", "cuda")
    return torch.optim.Adam(listed, lr=rate, betas=betas, fused=fused)


def processors() -> int:
    """Number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory(device: str) -> float:
    """Bytes of memory that are free for networks and data; infinite where that is not known."""
    if device == "cuda":
        return float(torch.cuda.mem_get_info()[0])
    return min(_free_of_system(), _free_of_group())


def _free_of_system() -> float:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return 1024 * float(line.split()[1])
    return math.inf


def _free_of_group() -> float:
    """What the control group of this process, such as a container, may still take."""
    limit, used = (_lines(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    if not (limit and used) or not (limit[0].isdecimal() and used[0].isdecimal()):
        return math.inf
    inactive = [
        float(line.split()[1])
        for line in _lines("/sys/fs/cgroup/memory.stat")
        if line.startswith("inactive_file ")
    ]
    return float(limit[0]) - float(used[0]) + sum(inactive)


def _lines(path: str) -> list[str]:
    """The lines of a file of the system; none where there is no such file."""
    try:
        return Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return []


@contextmanager
def threads(count: int) -> Generator[None]:
    """Compute with ``count`` processor threads, and restore the number afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def best_threads(tries: int = 3, clock: Callable[[], float] = time.perf_counter) -> int:
    """The number of processor threads that trains a small network fastest at this moment.

    Measured in about 0.2 seconds: on a busy machine, threads that wait for each other are many
    times slower than one.
    """
    layer = nn.Conv2d(16, 32, 3, padding=1)
    images = torch.ones(64, 16, 16, 16)
    best, shortest = 1, math.inf
    for count in sorted({1, processors()}):
        with threads(count):
            layer(images).sum().backward()
            began = clock()
            for _ in range(tries):
                layer(images).sum().backward()
            elapsed = clock() - began
        if elapsed < shortest:
            best, shortest = count, elapsed
    return best


def hardware(device: str) -> str:
    """Name and capabilities of the processor, for reports."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    name = platform.processor() or platform.machine()
    about = Path("/proc/cpuinfo")
    if about.exists():
        for line in about.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    extra = " with 16-bit products" if may_use_bfloat16(device) and device == "cpu" else ""
    return f"{name}{extra}, {processors()} processors"
