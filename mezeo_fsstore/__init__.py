"""A Mezeo vendor storage module that keeps each object as a file. To register it:

    {"module": "mezeo_fsstore.FilesystemStorage", "label": "Filesystem Storage",
     "args": {"root": "/srv/objects"}}
"""

from mezeo_fsstore.errors import (
    ConfigurationError, DamagedObject, InvalidModuleData, MissingRoot, StorageError,
    StorageUnavailable)
from mezeo_fsstore.storage import FilesystemStorage

__version__ = '2.0.0'

__all__ = ['FilesystemStorage', 'StorageError', 'ConfigurationError', 'InvalidModuleData',
           'DamagedObject', 'MissingRoot', 'StorageUnavailable', '__version__']
