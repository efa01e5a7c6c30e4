"""The database itself: the embedded server, connections, the ops schema, roles and grants."""
