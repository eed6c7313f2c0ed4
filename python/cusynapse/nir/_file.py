"""NIR files as dictionaries, read with every size checked before memory is taken for it."""

import math
import mmap
import os
import re
import struct

import numpy as np

from ._refusal import refuse

DEFLATE_RATIO = 1032  # of what deflate, the strongest filter taken, can expand
HEADER_BYTES = 1 << 16  # data this small need not be backed by the file
DEEPEST = 32  # groups within groups
FILTERS = {1, 2, 3, 32000}  # deflate, shuffle, fletcher32, lzf


def load(path, memory_limit):
    """The dictionary of the graph in a file: {'type': ..., field: array, ...}, nodes likewise.

    Links, values in other files, types other than numbers and text, and filters other than
    h5py's own are refused. Errors: `invalid_argument`, whatever is wrong with the file; `OSError`
    where it cannot be opened.
    """
    import h5py

    path = os.fspath(path)
    with open(path, "rb") as file:  # so that a missing file is the system's error, not HDF5's
        size = _check_bytes(file, path)
        return _load(h5py, path, _Loader(h5py, file, size, memory_limit))


def _load(h5py, path, loader):
    try:
        with h5py.File(path, "r") as root:
            return loader.load(root)
    except (MemoryError, OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        if hasattr(error, "code"):
            raise
        refuse(path, f"is no readable HDF5 file: {error}", cause=error)


def _check_bytes(file, path):
    """What HDF5 does not find: structures in which its reader would go round for ever.

    Returns the size of the file. Source: HDF5 File Format Specification 3.0, superblock (II.A),
    B-trees (III.A.1), local heaps (III.D) and the global heap (III.E).
    """
    size = os.fstat(file.fileno()).st_size
    if size < 16 or file.read(8) != b"\x89HDF\r\n\x1a\n":
        refuse(path, "is no readable HDF5 file: it has no signature")
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        widths = data[13:15] if data[8] < 2 else data[9:11]
        if widths != b"\x08\x08":
            refuse(path, f"has addresses and sizes of {tuple(widths)} bytes, expected 8 and 8")
        for name, signature, is_sound in STRUCTURES:
            start, known = data.find(signature), set()
            while start >= 0:
                if not is_sound(data, start, known):
                    refuse(path, f"is no readable HDF5 file: a broken {name} at byte {start}")
                start = data.find(signature, start + 1)
    return size


def _is_heap_of_texts(data, start, _):
    """Whether the objects of a heap fill it, one after the other."""
    end = start + int.from_bytes(data[start + 8 : start + 16], "little")
    if end > len(data):
        return False
    at = start + 16
    while end - at >= 16:
        index, _, _, size = struct.unpack("<HHIQ", data[at : at + 16])
        size = size if index == 0 else 16 + (size + 7) // 8 * 8  # index 0: what is free, in all
        if not 16 <= size <= end - at:
            return False
        at += size
    return True


def _is_heap_of_names(data, start, known):
    """Whether the list of what is free in a group's heap ends."""
    first, segment = start + 16, int.from_bytes(data[start + 24 : start + 32], "little")
    return _ends(data, first, lambda free: segment + free, known)


def _is_tree_node(data, start, known):
    """Whether the row of nodes to the right of one ends."""
    return _ends(data, start + 16, lambda node: node + 16, known)


def _ends(data, at, following, known):
    """Whether a chain of addresses ends: each is 8 bytes, and says where the one after it lies.

    known: where the chains lie that were found to end.
    """
    passed = set()
    while at + 8 <= len(data) and at not in known:
        if at in passed:
            return False
        passed.add(at)
        at = following(int.from_bytes(data[at : at + 8], "little"))
    known |= passed
    return True


STRUCTURES = (
    ("heap", b"GCOL\x01", _is_heap_of_texts),
    ("heap", b"HEAP\x00", _is_heap_of_names),
    ("tree", b"TREE", _is_tree_node),
)


class _Loader:
    def __init__(self, h5py, file, file_size, memory_limit):
        self.h5py, self.file, self.file_size = h5py, file, file_size
        self.left = min(memory_limit, HEADER_BYTES + DEFLATE_RATIO * file_size)
        self.seen = set()

    def load(self, root):
        version = self.dataset(self.child(root, "version", "/"), "/version")
        if not isinstance(version, str) or not re.match(r"[01]\.\d", version):
            refuse("/version", f"is {version!r}, expected 0.x or 1.x")
        node = self.child(root, "node", "/")
        if not isinstance(node, self.h5py.Group):
            refuse("/node", "is a data set, expected a group")
        return self.group(node, "/node", 0)

    def child(self, group, name, where):
        link = group.get(name, getlink=True)
        if link is None:
            refuse(where, f"has no {name!r}")
        if not isinstance(link, self.h5py.HardLink):
            refuse(f"{where.rstrip('/')}/{name}", f"is a {type(link).__name__}, expected no link")
        return group[name]

    def group(self, group, where, depth):
        address = self.h5py.h5o.get_info(group.id).addr
        if address in self.seen:
            refuse(where, "is a group that is there twice, expected a tree")
        self.seen.add(address)
        if depth > DEEPEST:
            refuse(where, f"lies {depth} groups deep, expected at most {DEEPEST}")
        read = {}
        for name in group:
            if not isinstance(name, str):
                refuse(where, f"has the name {name!r}, expected UTF-8")
            child, path = self.child(group, name, where), f"{where}/{name}"
            if isinstance(child, self.h5py.Group):
                read[name] = self.group(child, path, depth + 1)
            elif isinstance(child, self.h5py.Dataset):
                read[name] = self.dataset(child, path)
            else:
                refuse(path, "is a named type, expected a group or a data set")
        return read

    def dataset(self, dataset, where):
        if not isinstance(dataset, self.h5py.Dataset):
            refuse(where, "is no data set, expected one")
        text = self.h5py.check_string_dtype(dataset.dtype)
        if text is None and dataset.dtype.kind not in "biuf":
            refuse(where, f"has type {dataset.dtype}, expected numbers or text")
        if dataset.shape is None:
            refuse(where, "is empty, expected a value")
        self.check_layout(dataset, where)
        count = math.prod(dataset.shape)
        if text is not None and count > self.file_size:
            refuse(where, f"has {count} texts, expected at most one a byte of the file")
        size = count * max(dataset.dtype.itemsize, 8)
        if size > self.left:
            refuse(where, f"has shape {dataset.shape}: {size} bytes, expected at most {self.left}")
        self.left -= size
        if text is not None and text.length is None and count > 0:
            self.check_text(dataset, where)
        values = dataset[()]
        return values if text is None else self.text(values, where)

    def check_layout(self, dataset, where):
        properties = dataset.id.get_create_plist()
        if properties.get_layout() == self.h5py.h5d.VIRTUAL or properties.get_external_count():
            refuse(where, "lies in other files, expected its values in this one")
        for index in range(properties.get_nfilters()):
            code = properties.get_filter(index)[0]
            if code not in FILTERS:
                refuse(where, f"has filter {code}, expected deflate, shuffle, fletcher32 or lzf")
        if math.prod(dataset.chunks or ()) * dataset.dtype.itemsize > self.left:
            refuse(where, f"has chunks {dataset.chunks}, expected at most {self.left} bytes")

    def check_text(self, dataset, where):
        """Texts of any length are memory that HDF5 takes before it finds them broken.

        Their lengths lie in the data set: a length, the heap's address and an index, 16 bytes each.
        """
        start = dataset.id.get_offset()
        if dataset.id.get_create_plist().get_layout() != self.h5py.h5d.CONTIGUOUS or start is None:
            refuse(where, "has its texts in chunks, expected one piece")
        self.file.seek(start)
        pointers = self.file.read(16 * dataset.size)
        if len(pointers) != 16 * dataset.size:
            refuse(where, f"has {dataset.size} texts, expected as many in the file")
        total = sum(length for length, _, _ in struct.iter_unpack("<IQI", pointers))
        if total > self.left:
            refuse(where, f"has {total} bytes of text, expected at most {self.left}")
        self.left -= total

    def text(self, values, where):
        """A string, or nested lists of strings."""
        if isinstance(values, np.ndarray):
            return [self.text(value, where) for value in values]
        if not isinstance(values, (bytes, str)):
            refuse(where, f"has {values!r}, expected text")
        return values.decode("utf-8") if isinstance(values, bytes) else values
