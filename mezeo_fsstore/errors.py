"""The exceptions that the package defines.

The disk's errors are the system's own exceptions, and a bad stream is a TypeError.
"""


class StorageError(Exception):
    """The base of every exception that this package defines."""


class InvalidModuleData(StorageError, ValueError):
    """This module could not have generated that `module_data`."""


class ConfigurationError(StorageError, ValueError):
    """An argument of the constructor is unknown, missing or unusable."""


class StorageUnavailable(StorageError, EnvironmentError):
    """The root is missing or not the registered one, or its marker is damaged.

    Most often the volume is not mounted. The `errno` is ENODEV, or the system's error for the root,
    but never ENOENT: to a host ENOENT may mean that one object is missing.
    """


class DamagedObject(StorageError, EnvironmentError):
    """The content of an object does not match its digest. The `errno` is EIO."""


class MissingRoot(StorageUnavailable, ConfigurationError):
    """The root is missing, or refused by the system, when the module is made.

    Either the argument is wrong or the volume is not mounted: nothing tells which, so it is both.
    """
