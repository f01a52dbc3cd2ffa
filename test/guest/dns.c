#include "dns.h"

#include "clock.h"
#include "exchange.h"
#include "network_interface.h"

#include <lwip/timeouts.h>
#include <lwip/udp.h>

#include <stdlib.h>
#include <string.h>

enum { PORT = 53 };

struct dns_settings dns_settings = { .dots = 1, .seconds = 5, .attempts = 2 };

struct look_up {
	dns_done done;
	void *context;
	char name[DNS_NAME_ROOM];
	enum dns_family family;
	enum dns_type type;
	/* Of the names that the search list makes of it. */
	unsigned candidate;
	unsigned server, attempt;
	/* What the servers of this round said instead of an answer, and what the candidates so far came to. */
	enum dns_outcome refusal, worst;
	struct udp_pcb *udp;
	uint8_t question[DNS_MESSAGE_MAX];
	size_t question_length;
	uint64_t started;
};

static const struct {
	const char *name, *text;
} outcomes[DNS_OUTCOMES] = {
	[DNS_FOUND] = { "NOERROR", "NOERROR" },
	[DNS_NXDOMAIN] = { "NXDOMAIN", "NXDOMAIN, there is no such name" },
	[DNS_NODATA] = { "NODATA", "NODATA, the name has no address of this kind" },
	[DNS_FORMERR] = { "FORMERR", "FORMERR, the name server did not understand" },
	[DNS_SERVFAIL] = { "SERVFAIL", "SERVFAIL, the name server failed" },
	[DNS_NOTIMP] = { "NOTIMP", "NOTIMP, the name server cannot do this" },
	[DNS_REFUSED] = { "REFUSED", "REFUSED, the name server does not want to" },
	[DNS_OTHER] = { "OTHER", "an rcode that the probe does not know" },
	[DNS_CUT] = { "CUT", "CUT, the answer is longer than one by UDP, and the name server gives none by TCP" },
	[DNS_TIMEOUT] = { "TIMEOUT", "time-out, no name server answered" },
	[DNS_NO_SERVER] = { "NOSERVER", "there is no name server" },
	[DNS_NO_MEMORY] = { "NOMEMORY", "no memory" },
};

const char *dns_outcome_name(enum dns_outcome outcome)
{
	return outcomes[outcome].name;
}

const char *dns_outcome_text(enum dns_outcome outcome)
{
	return outcomes[outcome].text;
}

static void give(struct look_up *look_up, enum dns_outcome outcome, const struct dns_answer *answer)
{
	struct dns_result result = { outcome, (uint32_t)((clock_nanoseconds() - look_up->started) / 1000000), 0, NULL };
	if (outcome == DNS_FOUND) {
		result.count = answer->count;
		result.addresses = answer->addresses;
	}
	look_up->done(look_up->context, &result);
	free(look_up);
}

/* Writes the candidate: the name as it is first or last, depending on its dots, and the name in each domain. */
static bool get_candidate(const struct look_up *look_up, unsigned number, char into[DNS_NAME_ROOM])
{
	unsigned dots = 0;
	size_t length = strlen(look_up->name);
	for (const char *at = look_up->name; *at; at++)
		dots += *at == '.';
	bool absolute = length && look_up->name[length - 1] == '.', first = absolute || dots >= dns_settings.dots;
	unsigned domains = absolute ? 0 : dns_settings.search_count, as_it_is = first ? 0 : domains;
	if (number > domains)
		return false;
	memcpy(into, look_up->name, length + 1);
	if (number == as_it_is)
		return true;
	const char *domain = dns_settings.search[number - first];
	/* What has no room becomes a name that cannot be asked for. */
	if (length + 1 + strlen(domain) >= DNS_NAME_ROOM) {
		memcpy(into, "..", 3);
		return true;
	}
	into[length] = '.';
	memcpy(into + length + 1, domain, strlen(domain) + 1);
	return true;
}

static void send(struct look_up *look_up);

static void ask(struct look_up *look_up);

static void next_candidate(struct look_up *look_up)
{
	look_up->candidate++;
	look_up->type = look_up->family == DNS_IPV6 ? DNS_AAAA : DNS_A;
	ask(look_up);
}

static void conclude(struct look_up *look_up, enum dns_outcome outcome, const struct dns_answer *answer)
{
	if (outcome == DNS_FOUND || outcome == DNS_TIMEOUT || outcome == DNS_NO_MEMORY) {
		give(look_up, outcome, answer);
		return;
	}
	if (outcome > look_up->worst)
		look_up->worst = outcome;
	if (outcome != DNS_NXDOMAIN && look_up->family == DNS_ANY && look_up->type == DNS_A) {
		look_up->type = DNS_AAAA;
		ask(look_up);
		return;
	}
	next_candidate(look_up);
}

static void ask(struct look_up *look_up)
{
	char name[DNS_NAME_ROOM];
	if (!get_candidate(look_up, look_up->candidate, name)) {
		give(look_up, look_up->worst, NULL);
		return;
	}
	look_up->question_length = dns_write_question(look_up->question, (uint16_t)LWIP_RAND(), name, look_up->type);
	look_up->server = look_up->attempt = 0;
	look_up->refusal = DNS_FOUND;
	if (look_up->question_length)
		send(look_up);
	else
		conclude(look_up, DNS_NXDOMAIN, NULL);
}

static void next_server(struct look_up *look_up)
{
	if (++look_up->server < dns_settings.server_count) {
		send(look_up);
		return;
	}
	look_up->server = 0;
	if (look_up->refusal)
		conclude(look_up, look_up->refusal, NULL);
	else if (++look_up->attempt < dns_settings.attempts)
		send(look_up);
	else
		conclude(look_up, DNS_TIMEOUT, NULL);
}

static void timed_out(void *context)
{
	struct look_up *look_up = context;
	udp_remove(look_up->udp);
	next_server(look_up);
}

static enum dns_outcome outcome_of(const struct dns_answer *answer)
{
	static const enum dns_outcome of_rcode[] = { DNS_FOUND, DNS_FORMERR, DNS_SERVFAIL, DNS_NXDOMAIN, DNS_NOTIMP, DNS_REFUSED };
	if (!answer->rcode)
		return answer->count ? DNS_FOUND : DNS_NODATA;
	return answer->rcode < sizeof of_rcode / sizeof *of_rcode ? of_rcode[answer->rcode] : DNS_OTHER;
}

static void take_answer(struct look_up *look_up, const struct dns_answer *answer)
{
	enum dns_outcome outcome = outcome_of(answer);
	if (outcome <= DNS_NODATA) {
		conclude(look_up, outcome, answer);
		return;
	}
	look_up->refusal = outcome;
	next_server(look_up);
}

enum { LENGTH = 2 };

static size_t told_length(const struct text *answer)
{
	return LENGTH + ((size_t)(uint8_t)answer->data[0] << 8 | (uint8_t)answer->data[1]);
}

static bool is_whole(const struct text *answer)
{
	return answer->length >= LENGTH && answer->length >= told_length(answer);
}

static void received_by_tcp(void *context, const struct text *text, const char *trouble)
{
	struct look_up *look_up = context;
	struct dns_answer answer;
	if (!trouble && is_whole(text) &&
	    dns_read_answer((const uint8_t *)text->data + LENGTH, told_length(text) - LENGTH, look_up->question, look_up->question_length, &answer)) {
		take_answer(look_up, &answer);
		return;
	}
	look_up->refusal = DNS_CUT;
	next_server(look_up);
}

static void ask_by_tcp(struct look_up *look_up)
{
	char host[IPADDR_STRLEN_MAX], question[LENGTH + DNS_MESSAGE_MAX];
	network_address_text(&dns_settings.servers[look_up->server], host, sizeof host);
	question[0] = (char)(look_up->question_length >> 8);
	question[1] = (char)look_up->question_length;
	memcpy(question + LENGTH, look_up->question, look_up->question_length);
	exchange_start(&(struct exchange){
		.host = host, .port = PORT, .question = question, .question_length = LENGTH + look_up->question_length,
		.seconds = dns_settings.seconds, .is_whole = is_whole, .done = received_by_tcp, .context = look_up,
	});
}

static void received(void *context, struct udp_pcb *udp, struct pbuf *packet, const ip_addr_t *from, u16_t port)
{
	struct look_up *look_up = context;
	/* Some servers give more than 512 bytes to who has not asked for it, and resolvers take it. */
	static uint8_t message[UINT16_MAX];
	struct dns_answer answer;
	(void)from;
	(void)port;
	size_t length = pbuf_copy_partial(packet, message, sizeof message, 0);
	pbuf_free(packet);
	if (!dns_read_answer(message, length, look_up->question, look_up->question_length, &answer))
		return;
	udp_remove(udp);
	sys_untimeout(timed_out, look_up);
	if (answer.cut)
		ask_by_tcp(look_up);
	else
		take_answer(look_up, &answer);
}

/* Each question has a port of its own, as a careful resolver's do. */
static void send(struct look_up *look_up)
{
	const ip_addr_t *server = &dns_settings.servers[look_up->server];
	struct pbuf *packet = pbuf_alloc(PBUF_TRANSPORT, (u16_t)look_up->question_length, PBUF_RAM);
	look_up->udp = packet ? udp_new_ip_type(IP_GET_TYPE(server)) : NULL;
	if (!look_up->udp) {
		if (packet)
			pbuf_free(packet);
		conclude(look_up, DNS_NO_MEMORY, NULL);
		return;
	}
	pbuf_take(packet, look_up->question, (u16_t)look_up->question_length);
	udp_recv(look_up->udp, received, look_up);
	/* Without a route, too, the answer fails to come: the wait keeps a look-up from failing before the network is up. */
	if (udp_connect(look_up->udp, server, PORT) == ERR_OK)
		udp_send(look_up->udp, packet);
	pbuf_free(packet);
	sys_timeout(dns_settings.seconds * 1000, timed_out, look_up);
}

void dns_look_up(const char *name, enum dns_family family, dns_done done, void *context)
{
	struct look_up *look_up = dns_settings.server_count && strlen(name) < DNS_NAME_ROOM ? calloc(1, sizeof *look_up) : NULL;
	if (!look_up) {
		struct dns_result result = { !dns_settings.server_count ? DNS_NO_SERVER : DNS_NO_MEMORY, 0, 0, NULL };
		if (strlen(name) >= DNS_NAME_ROOM)
			result.outcome = DNS_NXDOMAIN;
		done(context, &result);
		return;
	}
	look_up->done = done;
	look_up->context = context;
	look_up->family = family;
	look_up->type = family == DNS_IPV6 ? DNS_AAAA : DNS_A;
	look_up->worst = DNS_NXDOMAIN;
	look_up->started = clock_nanoseconds();
	memcpy(look_up->name, name, strlen(name) + 1);
	ask(look_up);
}
