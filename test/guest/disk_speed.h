#pragma once

/*
 * Writes and reads so many MiB in the second half of the first disk that can be written, in turn and at random, and prints how fast
 * that was, as one line of JSON: MB/s of 64 KiB requests (the writes with a flush at their end), and requests per second of 4 KiB
 * (each write with a flush). What was there is lost.
 */
int disk_speed_measure(int mebibytes);
