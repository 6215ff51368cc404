-- Users get a display name, an e-mail address and a switch; keys an expiry, a switch, a purpose, and the models and
-- operations that they are limited to. The keys of owners and admins could do both before, and still can.

alter table users add column display_name text;
alter table users add column email text;
alter table users add column disabled_ms integer;

alter table api_keys add column expires_ms integer;
alter table api_keys add column disabled_ms integer;
alter table api_keys add column purpose text not null default 'models'
    check (purpose in ('models', 'management', 'both'));
alter table api_keys add column models text not null default '[]';      -- json: patterns; empty is all
alter table api_keys add column operations text not null default '[]';  -- json: names; empty is all

update api_keys set purpose = 'both'
where user_id in (select id from users where role in ('owner', 'admin'));
