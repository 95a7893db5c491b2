"""What the package raises itself. All else is the operating system's own exception, untouched."""


class StorageError(Exception):
    """The base of every exception that this package defines."""


class InvalidModuleData(StorageError, ValueError):
    """The `module_data` is not one that this module could have generated."""


class ConfigurationError(StorageError, ValueError):
    """An argument of the constructor is unknown, missing or unusable."""


class StorageUnavailable(StorageError, EnvironmentError):
    """The root is missing, or not the one that was registered: most often an unmounted volume.

    Its `errno` is ENODEV, or what the system said of the root, and never ENOENT: a host that tells
    missing objects by ENOENT must not take a whole missing volume for one.
    """


class DamagedObject(StorageError, EnvironmentError):
    """The content of an object is not what was stored: its digest is another. Its `errno` is EIO.
    """


class MissingRoot(StorageUnavailable, ConfigurationError):
    """The root is missing, or refused by the system, when the module is made.

    Whether the argument is wrong or the volume not mounted yet can't be told, so it is both.
    """
