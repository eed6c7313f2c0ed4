"""What synapses and connections share: modules over an object of the library, and its tensors."""

from collections.abc import Sequence
from typing import Union

import torch

from .._errors import InvalidArgument, NotSupported, ShapeMismatch

Extents = Union[int, Sequence[int]]


class Module(torch.nn.Module):
    """A module whose properties come before parameters and buffers of the same name."""

    def __setattr__(self, name, value):
        if isinstance(getattr(type(self), name, None), property):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


def dtype_of(core):
    """The element type of an object of the library, as PyTorch's."""
    return getattr(torch, core.dtype)


def default_dtype():
    """The name of PyTorch's default element type, which new objects get."""
    return str(torch.get_default_dtype()).rpartition(".")[2]


def check_tensor(where, what, value):
    if not isinstance(value, torch.Tensor):
        raise NotSupported(
            f"{where}: {what} is of type {type(value).__name__}, expected a torch.Tensor")


def without_gradient(where, what, tensor):
    """The tensor, cut off from the graph of gradients, which nothing here continues."""
    check_tensor(where, what, tensor)
    if not tensor.requires_grad:
        return tensor
    if torch.is_grad_enabled():
        raise NotSupported(
            f"{where}: {what} requires a gradient, and none is computed here: expected "
            "torch.no_grad(), or a tensor that requires none")
    return tensor.detach()


def values(where, what, tensor, core, shape=None):
    """A tensor as the library reads it: of the object's type, dense, broadcast to a shape given."""
    tensor = without_gradient(where, what, tensor).to(dtype=dtype_of(core))
    if shape is not None and tensor.shape != shape:
        try:
            tensor = tensor.expand(shape)
        except RuntimeError:
            raise ShapeMismatch(
                f"{where}: {what} has shape {list(tensor.shape)}, expected one that broadcasts to "
                f"{list(shape)}") from None
    return tensor.contiguous()


def spikes_or_values(where, what, tensor, core):
    """The same for what steps a synapse: booleans stay, as bytes."""
    check_tensor(where, what, tensor)
    if tensor.dtype is torch.bool:
        return tensor.contiguous()
    return values(where, what, tensor, core)


def empty(core, shape, dtype=None):
    """A new tensor on the object's device, of its element type if not said otherwise."""
    return torch.empty(shape, dtype=dtype or dtype_of(core), device=core.device)


def integer(where, what, value):
    """A whole number that may come as another type."""
    try:
        whole = int(value)
        if whole == value:
            return whole
    except (TypeError, ValueError):
        pass
    raise InvalidArgument(f"{where}: {what} is {value!r}, expected a whole number")


def number(where, what, value):
    """A number that may come as another type."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidArgument(f"{where}: {what} is {value!r}, expected a number") from None


def extents(where, what, value):
    """A shape from one number or a sequence."""
    if isinstance(value, (str, bytes)):
        raise InvalidArgument(f"{where}: {what} is {value!r}, expected whole numbers")
    given = tuple(value) if hasattr(value, "__iter__") else (value,)
    shape = tuple(integer(where, what, extent) for extent in given)
    if not shape or min(shape) < 1:
        raise InvalidArgument(f"{where}: {what} is {value!r}, expected extents above 0")
    return shape
