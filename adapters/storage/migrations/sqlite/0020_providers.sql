-- Providers get a display name and a switch, credentials the moment of their error, and rates a display name and a mark
-- that keeps a model out of lists.

alter table providers add column display_name text;
alter table providers add column disabled_ms integer;

alter table credentials add column error_ms integer;

alter table rates add column display_name text;
alter table rates add column hidden integer not null default 0 check (hidden in (0, 1));
