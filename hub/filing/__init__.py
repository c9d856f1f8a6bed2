"""Filing (备案) with an authority: what is due, who approved it, and what came back.

    prepared -> approved -> queued -> submitted -> accepted, rejected or duplicate_of

A filing is drafted from the record (`hub.records.filing`), approved by a named person by its
digest, carried by the outbox to the sink of its authority, and followed until the authority has
said what became of it. Each step is an entry of the ledger. Pure: `life`, `profile`, `period`,
`validating`; `door` is what the command socket and the outbox see.
"""
