-- Calls know their operation, and the sums of calls are kept by the quarter of an hour in which they began. The sums of
-- the calls so far are made here; those of later calls are written with each call.

alter table holds add column operation text not null default 'chat';
alter table calls add column operation text not null default 'chat';
drop trigger calls_are_never_changed;
update calls set operation = case
        when dialect like '%completions' then 'completions'
        when dialect like '%embed%' then 'embeddings'
        when dialect like '%moderation%' then 'moderation'
        when dialect like '%image%' then 'images'
        when dialect like '%video%' then 'video'
        when dialect like '%speech%' then 'speech'
        when dialect like '%rerank%' then 'rerank'
        else 'transcription'
    end
where dialect like '%completions' or dialect like '%embed%' or dialect like '%moderation%' or dialect like '%image%'
    or dialect like '%video%' or dialect like '%speech%' or dialect like '%rerank%' or dialect like '%transcription%'
    or dialect like '%translation%';
create trigger calls_are_never_changed before update on calls
begin
    select raise(abort, 'calls are append-only');
end;

create table usage_sums (
    user_id            blob    not null,
    slot_ms            integer not null,
    key_id             blob    not null,
    app                text    not null,
    provider           text    not null,
    credential_id      blob    not null,
    model              text    not null,
    operation          text    not null,
    ending             text    not null,
    writer             text    not null,
    calls              integer not null,
    completed          integer not null,
    estimated          integer not null,
    adjusted           integer not null,
    charge_nanos       integer not null,
    uncollected_nanos  integer not null,
    adjusted_nanos     integer not null,
    cost_nanos         integer not null,
    cost_unknown       integer not null,
    input_tokens       integer not null,
    cache_read_tokens  integer not null,
    cache_write_tokens integer not null,
    output_tokens      integer not null,
    reasoning_tokens   integer not null,
    pieces             integer not null,
    duration_ms        integer not null,
    first_byte_ms      integer not null,
    first_bytes        integer not null,
    primary key (user_id, slot_ms, key_id, app, provider, credential_id, model, operation, ending, writer)
) strict, without rowid;
create index usage_sums_by_time on usage_sums (slot_ms);

insert into usage_sums
select
    user_id, started_ms - started_ms % 900000, key_id, coalesce(app, ''), coalesce(provider, ''),
    coalesce(credential_id, x'ff'), coalesce(provider_model, model), operation, ending, 'migration',
    count(*), sum(complete), sum(usage_source is 'estimated'), sum(usage_source is 'adjusted'), sum(charge_nanos),
    sum(uncollected_nanos), 0, sum(coalesce(cost_nanos, 0)), sum(cost_nanos is null),
    sum(
        coalesce(json_extract(usage, '$.input_tokens'), 0) +
        coalesce(json_extract(usage, '$.input_audio_tokens'), 0) +
        coalesce(json_extract(usage, '$.input_image_tokens'), 0) +
        coalesce(json_extract(usage, '$.cache_read_tokens'), 0) +
        coalesce(json_extract(usage, '$.cache_read_audio_tokens'), 0) +
        coalesce(json_extract(usage, '$.cache_write_tokens'), 0) +
        coalesce(json_extract(usage, '$.cache_write_1h_tokens'), 0)
    ),
    sum(
        coalesce(json_extract(usage, '$.cache_read_tokens'), 0) +
        coalesce(json_extract(usage, '$.cache_read_audio_tokens'), 0)
    ),
    sum(
        coalesce(json_extract(usage, '$.cache_write_tokens'), 0) +
        coalesce(json_extract(usage, '$.cache_write_1h_tokens'), 0)
    ),
    sum(
        coalesce(json_extract(usage, '$.output_tokens'), 0) +
        coalesce(json_extract(usage, '$.output_audio_tokens'), 0) +
        coalesce(json_extract(usage, '$.output_image_tokens'), 0) +
        coalesce(json_extract(usage, '$.reasoning_tokens'), 0)
    ),
    sum(
        coalesce(json_extract(usage, '$.reasoning_tokens'), 0)
    ),
    sum(
        coalesce(json_extract(usage, '$.tool_uses'), 0) +
        coalesce(json_extract(usage, '$.images'), 0) +
        coalesce(json_extract(usage, '$.characters'), 0) +
        coalesce(json_extract(usage, '$.seconds'), 0) +
        coalesce(json_extract(usage, '$.video_seconds'), 0) +
        coalesce(json_extract(usage, '$.search_units'), 0)
    ),
    sum(complete * (ended_ms - started_ms)), sum(complete * coalesce(first_byte_ms, 0)),
    sum(complete and first_byte_ms is not null)
from calls
group by 1, 2, 3, 4, 5, 6, 7, 8, 9;

insert into usage_sums
select
    user_id, started_ms - started_ms % 900000, key_id, coalesce(app, ''), coalesce(provider, ''),
    coalesce(credential_id, x'ff'), coalesce(provider_model, model), operation, ending, 'rerate',
    0, 0, 0, 0, 0, 0, sum(amount_nanos), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
from adjustments join calls on calls.id = adjustments.call_id
group by 1, 2, 3, 4, 5, 6, 7, 8, 9;
