"""The contract with receiving sides, as files: schemas, AsyncAPI document, and the kit."""
