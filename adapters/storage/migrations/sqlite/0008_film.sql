-- Film is sold by the second, and not by the seconds of sound.

alter table rates add column video_second_nanos integer check (video_second_nanos >= 0);
