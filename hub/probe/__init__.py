"""`gashub probe`: what instrument is on a port, found out without changing anything on it."""
