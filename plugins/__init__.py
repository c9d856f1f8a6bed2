"""Built-in plugins; each folder enters by the same door as a stranger's."""
