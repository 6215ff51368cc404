-- Teams are accounts beside the users, with members. A key may be of a team, may be paid by it, and may stand for an app;
-- calls know the team of their key.

alter table users add column if not exists kind text not null default 'user' check (kind in ('user', 'team'));
alter table users add column if not exists has_wallet boolean not null default true;

create table if not exists members (
    team_id    text    not null,
    user_id    text    not null,
    is_admin   boolean not null,
    created_ms bigint  not null,
    removed_ms bigint,
    primary key (team_id, user_id)
);
create index if not exists members_by_user on members (user_id);

alter table api_keys add column if not exists team_id text;
alter table api_keys add column if not exists wallet text not null default 'user' check (wallet in ('user', 'team'));
alter table api_keys add column if not exists app text;
alter table holds add column if not exists team_id text;
alter table calls add column if not exists team_id text;
