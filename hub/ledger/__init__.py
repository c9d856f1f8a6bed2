"""The ledger: an append-only, signed Merkle log of everything the hub took in and decided."""

from hub.ledger.block import Block, DeadLetter, Drop, Frame, decode_block, encode_block
from hub.ledger.checkpoint import Checkpoint, Head, read_checkpoint, signed_by
from hub.ledger.entry import Entry
from hub.ledger.export import check_export, export
from hub.ledger.keys import PublicKey
from hub.ledger.log import Ledger
from hub.ledger.reader import LedgerReader, read_entry
from hub.ledger.report import Finding, Report
from hub.ledger.store import State
from hub.ledger.transaction import Transaction
from hub.ledger.verify import verify

__all__ = [
    "Block",
    "Checkpoint",
    "DeadLetter",
    "Drop",
    "Entry",
    "Finding",
    "Frame",
    "Head",
    "Ledger",
    "LedgerReader",
    "PublicKey",
    "Report",
    "State",
    "Transaction",
    "check_export",
    "decode_block",
    "encode_block",
    "export",
    "read_checkpoint",
    "read_entry",
    "signed_by",
    "verify",
]
