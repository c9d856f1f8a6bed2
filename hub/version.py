"""The version of this program, for the record. The package's own is the same (a test checks it)."""

VERSION = "0.1.0"
