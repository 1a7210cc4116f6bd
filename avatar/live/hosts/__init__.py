"""Sessions inside other people's programs: each file knows one of them, and imports it late."""
