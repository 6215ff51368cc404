-- Teams are accounts beside the users, with members. A key may be of a team, may be paid by it, and may stand for an app;
-- calls know the team of their key.

alter table users add column kind text not null default 'user' check (kind in ('user', 'team'));
alter table users add column has_wallet integer not null default 1 check (has_wallet in (0, 1));

create table members (
    team_id    text    not null references users (id),
    user_id    text    not null references users (id),
    is_admin   integer not null check (is_admin in (0, 1)),
    created_ms integer not null,
    removed_ms integer,
    primary key (team_id, user_id)
) strict, without rowid;
create index members_by_user on members (user_id);

alter table api_keys add column team_id text references users (id);
alter table api_keys add column wallet text not null default 'user' check (wallet in ('user', 'team'));
alter table api_keys add column app text;
alter table holds add column team_id text;
alter table calls add column team_id blob;
