-- Prices for what is not chat: pictures, sound and speech, by the token or by the piece.

alter table rates add column input_image_nanos integer check (input_image_nanos >= 0);
alter table rates add column cache_read_audio_nanos integer check (cache_read_audio_nanos >= 0);
alter table rates add column output_image_nanos integer check (output_image_nanos >= 0);
alter table rates add column image_nanos integer check (image_nanos >= 0);
alter table rates add column character_nanos integer check (character_nanos >= 0);
alter table rates add column second_nanos integer check (second_nanos >= 0);
alter table rates add column request_nanos integer check (request_nanos >= 0);
