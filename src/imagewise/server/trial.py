"""A model file is opened and run in a process of its own first, with bounds on its time and memory.

A file may hang onnxruntime in a loop without end, take all memory, or end the process. The server that answers
requests opens only files that have passed.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from imagewise.errors import ImagewiseError, ModelError

if TYPE_CHECKING:
    from imagewise.model.model import Model

MODEL_SECONDS = 30.0
_MEMORY = 4 * 2**30  # bytes of addresses, and four times the file in addition
_REFUSED = 3  # exit status where a reason was printed
_MOST_REASON = 2000  # characters


async def try_model(path: Path, content: bytes, seconds: float) -> None:
    """Open and run a model in another process.

    Args:
        path: of the file, for messages.
        content: of the file.
        seconds: until it has run.

    Raises:
        ModelError: it is not a model of ours, takes too long or too much memory, or ends the process.
    """
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "imagewise.server.trial", str(path), str(seconds)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the server, which ends this process
        env=environment,
    )
    try:
        async with asyncio.timeout(seconds):
            said, _ = await process.communicate(content)
    except TimeoutError:
        raise ModelError(
            f"{path}: opening and running it took longer than {seconds:g} seconds. Replace the file."
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == _REFUSED:
        raise ModelError(said.decode("utf-8", "replace")[:_MOST_REASON].strip())
    if process.returncode != 0:
        raise ModelError(f"{path}: opening it ended a process (status {process.returncode}). Replace the file.")


def run_once(content: bytes, place: str, threads: int = 1) -> Model:
    """The model in the content of a file, after one run, which allocates what later runs need. Raises ModelError."""
    import numpy as np

    from imagewise.model.model import Model

    model = Model.from_bytes(content, place, threads)
    model.predict_batch(np.zeros((1, *model.framing.shape), dtype=np.uint8))
    return model


def main() -> int:
    """Open and run the model whose content comes on standard input. Prints why it cannot be served; exit status."""
    place, seconds = sys.argv[1], float(sys.argv[2])
    content = sys.stdin.buffer.read()
    _bound(len(content), seconds)
    try:
        run_once(content, place)
    except Exception as error:
        reason = str(error) if isinstance(error, ImagewiseError) else f"{place}: {error!r}. Replace the file."
        sys.stdout.buffer.write(reason.encode("utf-8", "replace"))
        sys.stdout.flush()
        return _REFUSED
    return 0


def _bound(size: int, seconds: float) -> None:
    """Bound this process, which may outlive the server that started it."""
    try:
        import resource
    except ImportError:  # Windows
        return
    signal.alarm(math.ceil(seconds) + 1)
    most = _MEMORY + 4 * size
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    with suppress(OSError):  # where memory is short, this process goes, not the server
        Path("/proc/self/oom_score_adj").write_text("1000")


if __name__ == "__main__":
    os._exit(main())  # without an end of onnxruntime's own, which a strange graph may upset
