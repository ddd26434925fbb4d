"""Use cases of scanning: one scan, a device's queue, the log."""

from perpetua.scanning.service.log import list_scans
from perpetua.scanning.service.scans import scan, scan_batch

__all__ = ["list_scans", "scan", "scan_batch"]
