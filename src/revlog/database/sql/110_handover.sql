-- Rooms of the publisher's own. Nobody else reads them by name: views of marts and finance do for a moment.
create schema if not exists incoming authorization publisher;
create schema if not exists outgoing authorization publisher;
create schema if not exists undo authorization publisher;

comment on schema incoming is
    'Tables and views of a new shape, until no reader is left who began before they were published.';
comment on schema outgoing is 'What they replace, as long.';
comment on schema undo is
    'Rows that the newest publication replaced and keys that it brought, for revlog warehouse unpublish.';
