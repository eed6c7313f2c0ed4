"""What is refused, in the form of the library's own errors."""

from .._errors import InvalidArgument


def refuse(where, what, cause=None):
    """Raises: where names the node or the place in a file, what says got and expected."""
    raise InvalidArgument(f"cusynapse.nir: {where} {what} [invalid_argument]") from cause


def refuse_node(name, kind, what, cause=None):
    refuse(f"node {name!r} ({kind})", what, cause)
