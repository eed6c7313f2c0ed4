"""The reader of docs/state_format.md."""

import struct, zlib
import numpy as np

def read(state):
    magic, version, size, element, length = struct.unpack_from("<8sIQ3sB", state)
    assert magic == b"\x89CSYN\r\n\x1a" and version == 1 and size == len(state)
    assert zlib.crc32(state[:-4]) == struct.unpack_from("<I", state, size - 4)[0]
    at = 24 + length
    name, (count,) = state[24:at].decode(), struct.unpack_from("<H", state, at)
    at, records = at + 2, {}
    for _ in range(count):
        length = state[at]
        key, at = state[at + 1:at + 1 + length].decode(), at + 1 + length
        kind, rank = np.dtype(state[at:at + 3].decode()), state[at + 3]
        shape, at = struct.unpack_from(f"<{rank}Q", state, at + 4), at + 4 + 8 * rank
        size = int(np.prod(shape)) * kind.itemsize
        records[key], at = np.frombuffer(state[at:at + size], kind).reshape(shape), at + size
    return name, element.decode(), records
