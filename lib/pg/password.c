#include "password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "interrupt.h"

bool password_can_ask(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static char *read_line(FILE *terminal, struct err *err)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len = getline(&line, &capacity, terminal);
	if (len < 0) {
		free(line);
		if (interrupt_check(err) == 0)
			err_set(err, ERR_DATABASE, "no password was given");
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

char *password_ask(const char *prompt, struct err *err)
{
	FILE *terminal = fopen("/dev/tty", "r+e");
	if (!terminal) {
		err_set(err, ERR_DATABASE,
		        "a password is wanted and there is no terminal to ask on: use a password file "
		        "(~/.pgpass) or PGPASSWORD");
		return NULL;
	}
	struct termios shown, hidden;
	bool has_echo = tcgetattr(fileno(terminal), &shown) == 0;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	if (has_echo)
		tcsetattr(fileno(terminal), TCSAFLUSH, &hidden);
	fputs(prompt, terminal);
	fflush(terminal);
	char *password = read_line(terminal, err);
	if (has_echo)
		tcsetattr(fileno(terminal), TCSAFLUSH, &shown);
	fputs("\n", terminal);
	fclose(terminal);
	return password;
}

void password_free(char *password)
{
	if (!password)
		return;
	explicit_bzero(password, strlen(password));
	free(password);
}
