#define _GNU_SOURCE
#include "network/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * RFC 9293 for one peer on a wire of our own: what comes out of order is left for the guest to send again, and what is lost of ours is sent
 * again from there on. The windows are of 16 bits, and no option but the segments' size is offered.
 */
enum {
	RESEND_MS = 250, TRIES = 6, /* each twice as long */
	IDLE_MS = 15000, /* dockerd itself waits 8 s */
	LEAST_SEGMENT = 64,
};

enum flags { ACK = 1, SYN = 2, FIN = 4, RST = 8 };

void streams_open(struct streams *all, const struct place *place, const struct sockaddr_in *server)
{
	*all = (struct streams){ .place = place, .server = *server, .each = calloc(STREAM_LIMIT, sizeof *all->each) };
	if (!all->each)
		fail_errno("could not get memory for look-ups");
}

static void say(const struct streams *all, const struct stream *s, enum flags flags, uint32_t from, size_t length)
{
	struct tcphdr head = { .seq = htonl(from), .ack_seq = htonl(s->next_in), .ack = !!(flags & ACK), .syn = !!(flags & SYN),
			       .fin = !!(flags & FIN), .rst = !!(flags & RST), .psh = length > 0,
			       .window = htons((uint16_t)(STREAM_UP - s->up_used)) };
	segment_send(all->place, &s->guest, &head, length ? s->down + (from - s->acked) : NULL, length);
}

/* What belongs to no stream: better to hear that at once. */
static void refuse(const struct streams *all, const struct packet *p, const struct tcphdr *in, size_t length)
{
	struct tcphdr head = { .rst = 1, .ack = !in->ack, .seq = in->ack ? in->ack_seq : 0,
			       .ack_seq = in->ack ? 0 : htonl(ntohl(in->seq) + in->syn + in->fin + (uint32_t)length) };
	segment_send(all->place, &p->from, &head, NULL, 0);
}

static void forget(struct streams *all, struct stream *s)
{
	close(s->server);
	s->is_open = false;
	all->open--;
}

static void reset(struct streams *all, struct stream *s)
{
	say(all, s, RST | ACK, s->is_connecting ? 0 : s->next_out, 0);
	forget(all, s);
}

static struct stream *find(const struct streams *all, const struct peer *peer)
{
	for (size_t i = 0; i < STREAM_LIMIT && all->open; i++) {
		struct stream *s = &all->each[i];
		if (s->is_open && s->guest.port == peer->port && !memcmp(s->guest.address, peer->address, sizeof peer->address))
			return s;
	}
	return NULL;
}

/* Begins to connect to the server; the guest hears of it when that is done. False where there is no room, or no server. */
static bool begin(struct streams *all, const struct packet *p, const struct tcphdr *in, long now)
{
	struct stream *s = all->each, *end = all->each + STREAM_LIMIT;
	while (s < end && s->is_open)
		s++;
	int server = s < end ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
	if (server < 0)
		return false;
	if (connect(server, (const struct sockaddr *)&all->server, sizeof all->server) < 0 && errno != EINPROGRESS) {
		close(server);
		return false;
	}
	size_t segment = segment_asked(p->data + sizeof *in, in->doff * 4U - sizeof *in), most = segment_most(all->place);
	segment = segment < LEAST_SEGMENT ? LEAST_SEGMENT : segment > most ? most : segment;
	all->first += 64000 + (uint32_t)now;
	/* The buffers stay as they are. */
	memset(s, 0, offsetof(struct stream, up));
	s->is_open = s->is_connecting = true;
	s->server = server;
	s->guest = p->from;
	s->next_in = ntohl(in->seq) + 1;
	s->acked = s->next_out = s->most_out = all->first;
	s->window = ntohs(in->window);
	s->segment = (uint16_t)segment;
	s->idle_at = now + IDLE_MS;
	all->open++;
	return true;
}

static void wait_for_acknowledgement(struct stream *s, long now)
{
	if ((int32_t)(s->next_out - s->most_out) > 0)
		s->most_out = s->next_out;
	if (!s->resend_at)
		s->resend_at = now + ((long)RESEND_MS << s->tries);
}

static void greet(const struct streams *all, struct stream *s, long now)
{
	say(all, s, SYN | ACK, s->acked, 0);
	s->next_out = s->acked + 1;
	wait_for_acknowledgement(s, now);
}

/* All that the guest has room for. */
static void send_down(const struct streams *all, struct stream *s, long now)
{
	size_t sent = s->next_out - s->acked;
	if (!s->is_established || s->end_acked)
		return;
	while (sent < s->down_used && sent < s->window) {
		size_t length = s->down_used - sent, room = s->window - sent;
		length = length < room ? length : room;
		length = length < s->segment ? length : s->segment;
		say(all, s, ACK, s->next_out, length);
		s->next_out += (uint32_t)length;
		sent += length;
	}
	if (s->server_ended && sent == s->down_used && !s->sent_end) {
		say(all, s, ACK | FIN, s->next_out++, 0);
		s->sent_end = true;
	}
	if (s->next_out != s->acked || s->down_used)
		wait_for_acknowledgement(s, now);
}

/* What the guest acknowledges of ours; false where it can't be. */
static bool acknowledge(struct stream *s, uint32_t up_to, uint16_t window)
{
	uint32_t fresh = up_to - s->acked;
	if (fresh > s->most_out - s->acked)
		return false;
	s->window = window;
	if (!fresh)
		return true;
	if ((int32_t)(up_to - s->next_out) > 0)
		s->next_out = up_to;
	s->tries = 0;
	s->resend_at = 0;
	s->acked = up_to;
	if (!s->is_established) {
		s->is_established = true;
		fresh--;
	}
	size_t taken = fresh < s->down_used ? fresh : s->down_used;
	memmove(s->down, s->down + taken, s->down_used - taken);
	s->down_used -= taken;
	if (fresh > taken)
		s->end_acked = true;
	return true;
}

/* What is new of a segment, as far as there is room for it. */
static void take_bytes(struct stream *s, const struct tcphdr *in, const uint8_t *bytes, size_t length)
{
	uint32_t known = s->next_in - ntohl(in->seq);
	if (s->guest_ended || known > length)
		return;
	size_t fresh = length - known, room = STREAM_UP - s->up_used, taken = fresh < room ? fresh : room;
	memcpy(s->up + s->up_used, bytes + known, taken);
	s->up_used += taken;
	s->next_in += (uint32_t)taken;
	if (in->fin && taken == fresh) {
		s->guest_ended = true;
		s->next_in++;
	}
}

/* False where the server has gone. */
static bool send_up(struct stream *s)
{
	ssize_t n = s->up_used ? send(s->server, s->up, s->up_used, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	memmove(s->up, s->up + n, s->up_used - (size_t)n);
	s->up_used -= (size_t)n;
	if (s->guest_ended && !s->up_used && !s->told_end) {
		shutdown(s->server, SHUT_WR);
		s->told_end = true;
	}
	return true;
}

static void take_segment(struct streams *all, struct stream *s, const struct packet *p, const struct tcphdr *in, long now)
{
	size_t head = in->doff * 4U, length = p->length - head;
	if (!in->ack || s->is_connecting || !acknowledge(s, ntohl(in->ack_seq), ntohs(in->window)) || !s->is_established)
		return;
	s->idle_at = now + IDLE_MS;
	take_bytes(s, in, p->data + head, length);
	if (!send_up(s)) {
		reset(all, s);
		return;
	}
	send_down(all, s, now);
	if (length || in->fin)
		say(all, s, ACK, s->next_out, 0);
	if (s->guest_ended && s->end_acked)
		forget(all, s);
}

void streams_from_guest(struct streams *all, const struct packet *p, long now)
{
	struct tcphdr in;
	memcpy(&in, p->data, sizeof in);
	size_t head = in.doff * 4U;
	if (head < sizeof in || head > p->length)
		return;
	struct stream *s = find(all, &p->from);
	if (in.rst) {
		if (s)
			forget(all, s);
		return;
	}
	if (s && in.syn && !in.ack && s->next_in != ntohl(in.seq) + 1) {
		/* A new one from the same port. */
		forget(all, s);
		s = NULL;
	}
	if (s && in.syn) {
		if (!s->is_connecting && !s->is_established)
			greet(all, s, now);
	} else if (s) {
		take_segment(all, s, p, &in, now);
	} else if (!in.syn || in.ack || p->from.port == 0 || !begin(all, p, &in, now)) {
		refuse(all, p, &in, p->length - head);
	}
}

static bool wants(const struct stream *s, short *events)
{
	*events = 0;
	if (s->is_connecting || s->up_used)
		*events |= POLLOUT;
	if (!s->is_connecting && !s->server_ended && s->down_used < sizeof s->down)
		*events |= POLLIN;
	return s->is_open && *events;
}

size_t streams_poll(const struct streams *all, struct pollfd *fds)
{
	for (size_t i = 0; i < STREAM_LIMIT && all->open; i++) {
		short events;
		bool listens = wants(&all->each[i], &events);
		fds[i] = (struct pollfd){ listens ? all->each[i].server : -1, events, 0 };
	}
	return all->open ? STREAM_LIMIT : 0;
}

/* Whether it is there. */
static bool hear_connection(const struct streams *all, struct stream *s, long now)
{
	int error = 0;
	socklen_t size = sizeof error;
	if (getsockopt(s->server, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
		return false;
	s->is_connecting = false;
	greet(all, s, now);
	return true;
}

static bool hear_server(const struct streams *all, struct stream *s, short events, long now)
{
	if (s->is_connecting)
		return hear_connection(all, s, now);
	size_t was_full = s->up_used;
	if (events & POLLOUT && !send_up(s))
		return false;
	/* A guest that found no room hears that there is some. */
	if (was_full > STREAM_UP / 2 && s->up_used <= STREAM_UP / 2)
		say(all, s, ACK, s->next_out, 0);
	if (s->server_ended || s->down_used == sizeof s->down)
		return true;
	ssize_t n = recv(s->server, s->down + s->down_used, sizeof s->down - s->down_used, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	s->down_used += (size_t)n;
	s->server_ended = n == 0;
	s->idle_at = now + IDLE_MS;
	send_down(all, s, now);
	return true;
}

/* Who was closed since could be another with the same descriptor. */
void streams_from_server(struct streams *all, const struct pollfd *polled, long now)
{
	for (size_t i = 0; i < STREAM_LIMIT; i++) {
		struct stream *s = &all->each[i];
		if (s->is_open && polled[i].revents && !hear_server(all, s, polled[i].revents, now))
			reset(all, s);
	}
}

/* False where it has been tried often enough. */
static bool send_again(const struct streams *all, struct stream *s, long now)
{
	if (++s->tries > TRIES)
		return false;
	s->resend_at = 0;
	s->next_out = s->acked;
	s->sent_end = false;
	/* Whether there is room now, the guest tells when it is sent more than it has room for. */
	if (!s->window)
		s->window = 1;
	if (s->is_established)
		send_down(all, s, now);
	else
		greet(all, s, now);
	return true;
}

long streams_deadline(struct streams *all, long now)
{
	long first = -1;
	for (size_t i = 0; i < STREAM_LIMIT && all->open; i++) {
		struct stream *s = &all->each[i];
		if (!s->is_open)
			continue;
		if (s->idle_at <= now || (s->resend_at && s->resend_at <= now && !send_again(all, s, now))) {
			reset(all, s);
			continue;
		}
		first = sooner(first, s->idle_at);
		if (s->resend_at)
			first = sooner(first, s->resend_at);
	}
	return first;
}
