#pragma once

/* Takes all that connections to this port bring, and sends without end to those to the next one, for ever. */
int bulk_serve(int port);
