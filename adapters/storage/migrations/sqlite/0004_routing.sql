-- Routing: aliases, whom a provider is preferred to, and what a model is able to.

create table aliases (
    seq                    integer primary key,
    id                     text    not null unique,
    name                   text    not null check (name <> ''),
    strategy               text    not null check (strategy in ('round-robin', 'least-cost', 'least-latency')),
    known_ms               integer not null,
    first_token_timeout_ms integer check (first_token_timeout_ms > 0),
    removed                integer not null check (removed in (0, 1)),
    targets                text    not null check (json_array_length(targets) > 0),  -- json
    canary                 text                                                      -- json
) strict;
create index aliases_by_name on aliases (name);

create trigger aliases_are_never_changed before update on aliases
begin
    select raise(abort, 'aliases are append-only');
end;
create trigger aliases_are_never_deleted before delete on aliases
begin
    select raise(abort, 'aliases are append-only');
end;

alter table providers add column priority integer not null default 0 check (priority >= 0);
alter table providers add column weight integer not null default 1 check (weight > 0);

alter table rates add column capabilities text;  -- json; null where nothing is known
