"""The warehouse as a database: the embedded server, connections, roles, locks, the schema `ops`."""
