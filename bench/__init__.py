"""Measures mezeo_fsstore beside the bare system calls and its peers; for Python 3.8 or later."""
