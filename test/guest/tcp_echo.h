#pragma once

/* Sends back whatever a connection brings, for ever. */
int tcp_echo_serve(int port);
