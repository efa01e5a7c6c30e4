-- Schemas by layer. Each is owned by the role that fills it.
create schema if not exists raw;
create schema if not exists ops;
create schema if not exists staging authorization transformer;
create schema if not exists intermediate authorization transformer;
create schema if not exists core authorization transformer;
create schema if not exists estimates authorization transformer;
create schema if not exists build authorization transformer;
create schema if not exists marts authorization publisher;
create schema if not exists finance authorization publisher;

comment on schema raw is 'What arrived, typed, with lineage on every row; append-only.';
comment on schema ops is 'File ledger, quarantine, validation results, builds and publications.';
comment on schema staging is 'One model per feed: canonical names and codes, newest version of each key.';
comment on schema intermediate is 'Steps between staging and core.';
comment on schema core is 'Dimensions and facts.';
comment on schema estimates is 'What can be expected: statistics over core, computed anew in each build.';
comment on schema build is 'What will be published, audited here first.';
comment on schema marts is 'Published marts for BI.';
comment on schema finance is 'Published marts for finance.';
