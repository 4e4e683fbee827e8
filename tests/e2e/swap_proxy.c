/*
 * Between a client and the server, to lose a connection in the COMMIT of a rename: swap_proxy
 * LISTEN SERVER MODE, both paths of Unix sockets.  Ends when its standard input does.
 *
 * The first connection on which a COMMIT comes behind a RENAME is cut:
 *     request   the server does not get the COMMIT
 *     sent      the server gets it, and the connection is cut at once
 *     answer    the server gets it and answers, the client does not get the answer
 *     gone      as answer, and nobody can connect any more
 * All others are passed on.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PAIRS 32

struct pair {
	int client, server; /* -1: free */
	bool has_renamed;
	bool is_losing; /* at the server's answer */
};

struct proxy {
	const char *server_path, *mode;
	int listening;
	bool is_done;
	struct pair pairs[PAIRS];
};

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	return name;
}

static int listen_at(const char *path)
{
	struct sockaddr_un name = address(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0 || listen(fd, PAIRS) < 0) {
		perror(path);
		return -1;
	}
	return fd;
}

static void add_pair(struct proxy *proxy)
{
	struct sockaddr_un name = address(proxy->server_path);
	struct pair pair = { accept(proxy->listening, NULL, NULL), socket(AF_UNIX, SOCK_STREAM, 0),
		                 false, false };
	int i = 0;
	while (i < PAIRS - 1 && proxy->pairs[i].client >= 0)
		i++;
	if (connect(pair.server, (struct sockaddr *)&name, sizeof(name)) == 0) {
		proxy->pairs[i] = pair;
		return;
	}
	close(pair.client);
	close(pair.server);
}

static void cut(struct pair *pair)
{
	close(pair->client);
	close(pair->server);
	*pair = (struct pair){ -1, -1, false, false };
}

static void lose(struct proxy *proxy, struct pair *pair)
{
	cut(pair);
	if (strcmp(proxy->mode, "gone") != 0)
		return;
	close(proxy->listening);
	proxy->listening = -1;
}

static bool contains(const char *bytes, ssize_t len, const char *word)
{
	return memmem(bytes, (size_t)len, word, strlen(word)) != NULL;
}

/* Statements are short, and come in one piece. */
static void from_client(struct proxy *proxy, struct pair *pair)
{
	char bytes[65536];
	ssize_t len = read(pair->client, bytes, sizeof(bytes));
	if (len <= 0) {
		cut(pair);
		return;
	}
	bool is_it = !proxy->is_done && pair->has_renamed && contains(bytes, len, "COMMIT");
	pair->has_renamed = pair->has_renamed || contains(bytes, len, "RENAME TO");
	proxy->is_done = proxy->is_done || is_it;
	pair->is_losing = is_it;
	if ((is_it && strcmp(proxy->mode, "request") == 0) ||
	    write(pair->server, bytes, (size_t)len) != len ||
	    (is_it && strcmp(proxy->mode, "sent") == 0))
		lose(proxy, pair);
}

static void from_server(struct proxy *proxy, struct pair *pair)
{
	char bytes[65536];
	ssize_t len = read(pair->server, bytes, sizeof(bytes));
	if (len > 0 && pair->is_losing)
		lose(proxy, pair);
	else if (len <= 0 || write(pair->client, bytes, (size_t)len) != len)
		cut(pair);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	struct proxy proxy = { argv[2], argv[3], listen_at(argv[1]), false, { { 0 } } };
	for (int i = 0; i < PAIRS; i++)
		proxy.pairs[i].client = proxy.pairs[i].server = -1;
	if (proxy.listening < 0)
		return 1;
	for (;;) {
		struct pollfd fds[2 + 2 * PAIRS] = { { 0, POLLIN, 0 }, { proxy.listening, POLLIN, 0 } };
		for (int i = 0; i < PAIRS; i++) {
			fds[2 + 2 * i] = (struct pollfd){ proxy.pairs[i].client, POLLIN, 0 };
			fds[3 + 2 * i] = (struct pollfd){ proxy.pairs[i].server, POLLIN, 0 };
		}
		if (poll(fds, 2 + 2 * PAIRS, -1) < 0 || fds[0].revents)
			return 0;
		for (int i = 0; i < PAIRS; i++) {
			if (fds[2 + 2 * i].revents)
				from_client(&proxy, &proxy.pairs[i]);
			if (fds[3 + 2 * i].revents && proxy.pairs[i].server == fds[3 + 2 * i].fd)
				from_server(&proxy, &proxy.pairs[i]);
		}
		if (fds[1].revents)
			add_pair(&proxy);
	}
}
