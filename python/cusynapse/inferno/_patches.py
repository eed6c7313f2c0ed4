"""What the synapse of a convolution shows of its pixels: one copy for every patch they are in."""

import torch

from ._module import empty


class Patches:
    """Maps pixels (C, H, W) to patches (C * kh * kw, positions), and what is asked of patches back
    to pixels."""

    def __init__(self, connection, channels, height, width, kernel, stride, padding, dilation):
        self._connection = connection
        self._pixels = (channels, height, width)
        self._copies = kernel[0] * kernel[1]  # of a pixel at most, each in a row of its own
        numbers = torch.arange(1, channels * height * width + 1, dtype=torch.float64)
        self._number = torch.nn.functional.unfold(
            numbers.reshape(1, channels, height, width), kernel, dilation=dilation,
            padding=padding, stride=stride)[0].long()  # 0: padding
        self.shape = tuple(self._number.shape)

    def of(self, pixels):
        """[B, C, H, W] as patches."""
        return self._connection.like_synaptic(pixels)

    def pixels(self, patches):
        """[..., C * kh * kw, positions] as pixels: copies are equal; a pixel without one is 0."""
        flat = patches.flatten(-2)
        pixels = flat.new_zeros((*flat.shape[:-1], torch.Size(self._pixels).numel() + 1))
        pixels.scatter_(-1, self._number.flatten().to(flat.device).expand(flat.shape), flat)
        return pixels[..., 1:].reshape(*flat.shape[:-1], *self._pixels)

    def read_at(self, core, factory, function, selector, dtype):
        """Calls ``function`` of the synapse for every copy; padding reads a silent one."""
        batch, rows, positions = selector.shape[:3]
        asked = selector.reshape(batch, rows * positions, -1)
        number = self._number.flatten().to(selector.device)
        row = torch.arange(rows, device=selector.device).repeat_interleave(positions)
        inside = number > 0
        place = ((number - 1) * self._copies + row % self._copies)[inside]

        times = selector.new_zeros(batch, torch.Size(self._pixels).numel() * self._copies,
                                   asked.shape[-1])
        times[:, place] = asked[:, inside]
        of_pixels = empty(core, (batch, *self._pixels, self._copies * asked.shape[-1]), dtype)
        getattr(core, function)(times.reshape(of_pixels.shape), out=of_pixels)
        read = empty(core, asked.shape, dtype)
        read[:, inside] = of_pixels.reshape(times.shape)[:, place]

        padding = asked[:, ~inside].contiguous()
        if padding.shape[1] > 0:
            silent = factory(padding.shape[1], core.step_time, delay=core.delay,
                             batch_size=batch, dtype=core.dtype, device=core.device)
            of_padding = empty(core, padding.shape, dtype)
            getattr(silent, function)(padding, out=of_padding)
            read[:, ~inside] = of_padding
        return read.reshape(selector.shape)
