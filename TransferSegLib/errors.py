"""What goes wrong: one base class and a few kinds, each a one-line message that says what to do."""

from __future__ import annotations


class TransferSegError(Exception):
    """Base of every error that a user is meant to read.

    Parameters
    ----------
    message : str
        One line: the file or option, what is wrong, and (after a semicolon) what to do.
    hint : str, optional
        A further sentence for panels that have room for it.

    Attributes
    ----------
    code : str
        Machine-readable kind, sent over the worker's channel.
    exit_code : int
        1 = failed, 2 = wrong use or input.
    """

    code = "failed"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(" ".join(str(message).split()))
        self.hint = hint

    @property
    def message(self) -> str:
        """The one-line text."""
        return str(self.args[0])


class InputError(TransferSegError):
    """A file, a folder or a value given by the user cannot be used."""

    code = "bad-input"
    exit_code = 2


class UnreadableFile(InputError):
    """A file that is missing or broken, as against one that can be read and holds what is of no use."""


class UsageError(TransferSegError):
    """Options that contradict each other or name something that does not exist."""

    code = "wrong-use"
    exit_code = 2


class NameTaken(UsageError):
    """A model is to get a name that another one has; the message begins with that name and a colon."""

    code = "name-taken"


class PackageError(InputError):
    """A model package that is damaged, unsafe or of a kind we cannot read."""

    code = "bad-package"


class DeviceError(TransferSegError):
    """A device was asked for that this machine does not have."""

    code = "no-device"
    exit_code = 2


class DependencyError(TransferSegError):
    """An optional library is missing; the message names the extra that brings it."""

    code = "missing-dependency"


class StorageError(TransferSegError):
    """A result could not be written (unwritable folder, full disk)."""

    code = "storage"


class OutOfMemory(TransferSegError):
    """The machine ran out of memory."""

    code = "out-of-memory"

    def __init__(
        self, message: str = "not enough memory; close other programs or choose a smaller window", *, hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)


class UnexpectedError(TransferSegError):
    """Something that nobody foresaw: a fault of the program."""

    code = "unexpected"


class Cancelled(TransferSegError):
    """The user cancelled; what was finished before is kept."""

    code = "cancelled"

    def __init__(self, message: str = "cancelled by the user", *, hint: str = "") -> None:
        super().__init__(message, hint=hint)


def explain(error: BaseException) -> TransferSegError:
    """Any exception as one of ours, with one line for the user; ours stay as they are."""
    if isinstance(error, TransferSegError):
        return error
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or "can't allocate memory" in text or "CUDA out of memory" in text:
        return OutOfMemory()
    if isinstance(error, OSError):
        return StorageError(
            f"{error.filename or 'a file'}: {error.strerror or error}; check the path, its permissions and the disk"
        )
    return UnexpectedError(f"unexpected error, {type(error).__name__}: {text}")
