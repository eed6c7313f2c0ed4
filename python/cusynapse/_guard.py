"""One thread at a time in objects whose calls are several of the library's."""

import threading

from ._errors import in_use


class Guard:
    """Lets one thread in, as often as it likes, and refuses others. Nobody is in a copy."""

    def __init__(self, name):
        self._name, self._lock = name, threading.RLock()

    def __enter__(self):
        if not self._lock.acquire(blocking=False):
            raise in_use(self._name)

    def __exit__(self, *raised):
        self._lock.release()

    def __reduce__(self):
        return Guard, (self._name,)
