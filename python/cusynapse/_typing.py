"""What signatures call an array."""

from typing import Any, Protocol, Tuple


class Array(Protocol):
    """An array of any library that speaks DLPack: NumPy, PyTorch, CuPy, JAX."""

    def __dlpack__(self) -> Any: ...

    def __dlpack_device__(self) -> Tuple[int, int]: ...
