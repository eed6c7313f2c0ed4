"""What Inferno's neurons and trainers take from PyTorch 2, for 1.13. Its synapses and connections
need none of it."""

import torch


def add():
    """Adds keyword arguments to what registers hooks, and numbers to `Tensor.where`."""
    module = torch.nn.Module
    if "prepend" in module.register_forward_hook.__code__.co_varnames:
        return
    register_hook = module.register_forward_hook
    register_pre_hook = module.register_forward_pre_hook
    where = torch.Tensor.where

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        def called(module, inputs, output):
            return hook(module, inputs, {}, output) if with_kwargs else hook(module, inputs, output)
        return register_hook(self, called)

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        def called(module, inputs):
            return hook(module, inputs, {}) if with_kwargs else hook(module, inputs)
        return register_pre_hook(self, called)

    def where_of_number(self, condition, other):
        return where(self, condition, torch.as_tensor(other, dtype=self.dtype))

    module.register_forward_hook = register_forward_hook
    module.register_forward_pre_hook = register_forward_pre_hook
    torch.Tensor.where = where_of_number
