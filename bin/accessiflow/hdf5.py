"""Reading and writing HDF5: atomic, without timestamps, one clear sentence when a file is not what it should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accessiflow.errors import InputError
from accessiflow.files import INFLATED_LEAST, INFLATED_MOST, atomic, require_file

if TYPE_CHECKING:
    import h5py
    from numpy.typing import NDArray

_checked: set[tuple[int, ...]] = set()  # files that were found sound, each by its inode, time and size


@contextmanager
def create_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open a new HDF5 file for atomic writing."""
    # h5py stores no times of objects by default, so equal content gives equal bytes.
    import h5py

    with atomic(path) as temporary, h5py.File(temporary, "w") as handle:
        yield handle


@contextmanager
def open_hdf5(path: Path, required: Sequence[str] = ()) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Raises:
        InputError: the file is missing, truncated or not HDF5; a required dataset is absent; its data lie in other
            files, or claim to be much more than the file can hold.
    """
    import h5py

    require_file(path, "HDF5 file")
    try:
        handle = h5py.File(path, "r")
    except OSError:
        raise InputError("is not a readable HDF5 file (truncated or another format)", path) from None
    with handle:
        _check_hdf5(handle, path)
        missing = [name for name in required if name not in handle]
        if missing:
            raise InputError(f"lacks {', '.join(missing)} (found: {', '.join(list(handle)[:12])})", path)
        try:
            yield handle
        except (OSError, RuntimeError, KeyError) as error:
            if not _of_hdf5(error):
                raise
            raise InputError(f"cannot be read ({str(error)[:120]}): truncated or damaged", path) from None


def dataset(handle: h5py.File, name: str, path: Path, kinds: str = "fiub", ndim: Sequence[int] = (1,)) -> h5py.Dataset:
    """A dataset of an open HDF5 file.

    Args:
        handle: the open file.
        name: the dataset's name.
        path: the file's name, for messages.
        kinds: which of numpy's kinds of values (their letters) it may hold; S is text, of fixed or variable length.
        ndim: how many dimensions it may have.

    Raises:
        InputError: there is none of that name, or it holds something else.
    """
    import h5py

    item = handle.get(name)
    if not isinstance(item, h5py.Dataset):
        raise InputError(f"needs a dataset {name}, found {'nothing' if item is None else 'a group'}", path)
    kind = "S" if h5py.check_string_dtype(item.dtype) else item.dtype.kind
    if kind not in kinds or item.ndim not in ndim:
        expected = f"{'text' if kinds == 'S' else 'numbers'} in {' or '.join(map(str, ndim))} dimension(s)"
        raise InputError(f"holds {name} of type {item.dtype} and shape {item.shape}, expected {expected}", path)
    return item


def as_text(value: object) -> str:
    """A name as it is stored: UTF-8 bytes (what is not UTF-8 replaced), or a string."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def as_texts(values: NDArray[Any]) -> list[str]:
    """The same of an array (n,) of names."""
    return [as_text(value) for value in values.tolist()]


def _of_hdf5(error: BaseException) -> bool:
    """Whether the HDF5 library raised an error while it read: in its own code, and not the system's (a full disk)."""
    # The caller's own KeyError must not read as damage of the file, so the innermost frame decides.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        trace is not None
        and str(trace.tb_frame.f_globals.get("__name__", "")).startswith("h5py")
        and getattr(error, "errno", None) is None
    )


def _check_hdf5(handle: h5py.File, path: Path) -> None:
    """Refuse a file whose content lies in other files, or whose datasets claim far more than its bytes can hold."""
    file = path.stat()
    identity = (file.st_dev, file.st_ino, file.st_mtime_ns, file.st_size)
    if identity in _checked:  # every contig of a draft genome is a dataset, and a stage may open a file several times
        return
    most = max(INFLATED_LEAST, INFLATED_MOST * file.st_size)

    def fault_of(name: bytes, info: h5py.h5l.LinkInfo) -> str | None:
        try:
            return _hdf5_fault(handle, name, info, most)
        except (RuntimeError, OSError, KeyError, TypeError, ValueError) as error:
            return f"is damaged at {_text(name)} ({str(error)[:120]})"

    try:
        # Links, not objects: h5py's `visititems` passes over external links. The visit ends at the first link for
        # which something else than None is returned.
        fault = handle.id.links.visit(fault_of, info=True)
    except (RuntimeError, OSError, KeyError) as error:
        fault = f"is damaged ({str(error)[:120]})"
    if fault:
        raise InputError(fault, path)
    _checked.add(identity)


def _hdf5_fault(handle: h5py.File, name: bytes, info: h5py.h5l.LinkInfo, most: int) -> str | None:
    """Why a link is refused; None where it is not."""
    import h5py

    if info.type == h5py.h5l.TYPE_EXTERNAL:
        return f"has a link to another file ({_text(name)}): copy the data into it"
    # By the library's own calls, which cost a fifth of h5py's: a draft genome has a dataset for each of 20,000 contigs.
    item = h5py.h5o.open(handle.id, name) if info.type == h5py.h5l.TYPE_HARD else None
    if not isinstance(item, h5py.h5d.DatasetID):
        return None
    made = item.get_create_plist()
    if made.get_layout() == h5py.h5d.VIRTUAL or made.get_external_count():
        return f"keeps the data of {_text(name)} in other files: copy them into it"
    if item.get_space().get_simple_extent_npoints() * item.dtype.itemsize > most:
        return f"claims {item.shape} values for {_text(name)}, more than it can hold: damaged"
    return None


def _text(name: bytes) -> str:
    return name.decode(errors="replace")[:80]
