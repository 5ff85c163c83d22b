"""The error tree.

A message names what failed, on which item, what was expected and the valid choices. It is printed unchanged, on one
line, without a traceback.
"""


class OcrBenchError(Exception):
    """Any failure that ocrbench explains to its user."""

    def __init__(self, message: str) -> None:
        # A path in the message may contain bytes that are not text, and must still be printable.
        super().__init__(message.encode(errors="backslashreplace").decode())


class ConfigError(OcrBenchError):
    """A key, value or file of the configuration is wrong: the user's mistake, exit status 2."""


class DatasetError(OcrBenchError):
    """A dataset, an annotation file or an image cannot be read."""


class ModelError(OcrBenchError):
    """A model's files are missing, damaged or not the expected ones."""


class ConversionError(OcrBenchError):
    """A model cannot be converted or quantised."""


class DeviceError(OcrBenchError):
    """A device is not available, or refuses a model or a property."""


class WorkerError(OcrBenchError):
    """The worker process died, hung or sent an invalid answer."""


class BusyError(OcrBenchError):
    """Another session measures on this machine, and is not to be waited for any longer."""


class CellError(OcrBenchError):
    """A cell failed in the Python API; its failed run is stored."""


def last_line(error: Exception) -> str:
    r"""Return the line of a library's error that states the problem; OpenVINO's and PyTorch's begin with the location.

    >>> last_line(RuntimeError("Exception from src/plugin.cpp:82:\nCheck 'known' failed\nNo such property: X\n"))
    'No such property: X'
    >>> last_line(KeyError())
    'KeyError'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
