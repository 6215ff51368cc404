-- The prices of a rate are one document, as those of the price book are: a new unit needs no column.

create table rates_with_prices (
    seq               integer primary key,
    id                text    not null unique,
    provider          text    not null references providers (name),
    model             text    not null,
    effective_ms      integer not null,
    known_ms          integer not null,
    source            text    not null,
    context_tokens    integer,
    output_tokens_max integer,
    removed           integer not null check (removed in (0, 1)),
    prices            text    not null check (json_valid(prices)),  -- json: nanos per million of each unit
    capabilities      text,                                         -- json; null where nothing is known
    tiers             text    not null default '[]',                -- json
    variants          text    not null default '[]',                -- json
    names             text    not null default '[]'                 -- json
) strict;
-- A price that is not set is left out of the document.
insert into rates_with_prices (
    seq, id, provider, model, effective_ms, known_ms, source, context_tokens, output_tokens_max, removed, prices,
    capabilities, tiers, variants, names
)
select
    seq, id, provider, model, effective_ms, known_ms, source, context_tokens, output_tokens_max, removed,
    json_patch('{}', json_object(
        'input_nanos', input_nanos, 'input_audio_nanos', input_audio_nanos, 'input_image_nanos', input_image_nanos,
        'cache_read_nanos', cache_read_nanos, 'cache_read_audio_nanos', cache_read_audio_nanos,
        'cache_write_nanos', cache_write_nanos, 'cache_write_1h_nanos', cache_write_1h_nanos,
        'output_nanos', output_nanos, 'output_audio_nanos', output_audio_nanos,
        'output_image_nanos', output_image_nanos, 'reasoning_nanos', reasoning_nanos,
        'tool_use_nanos', tool_use_nanos, 'image_nanos', image_nanos, 'character_nanos', character_nanos,
        'second_nanos', second_nanos, 'video_second_nanos', video_second_nanos, 'request_nanos', request_nanos,
        'search_unit_nanos', search_unit_nanos
    )),
    capabilities, tiers, variants, names
from rates;
drop table rates;
alter table rates_with_prices rename to rates;
create index rates_of_model on rates (provider, model);
create trigger rates_are_never_changed before update on rates
begin
    select raise(abort, 'rates are append-only');
end;
create trigger rates_are_never_deleted before delete on rates
begin
    select raise(abort, 'rates are append-only');
end;
