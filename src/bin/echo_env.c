/*
 * The environment, or the variables named as arguments, one a line: a C program on
 * the _start that Rust programs start at, with no libc either.
 */

#include "syscall.h"

/* The length of the string. */
static size_t length(const char *string)
{
	size_t n = 0;
	while (string[n] != '\0')
		n++;
	return n;
}

/* Where the value begins if `variable` is named `name`, and NULL if it is not. */
static const char *value_of(const char *variable, const char *name)
{
	size_t n = 0;
	while (name[n] != '\0' && variable[n] == name[n])
		n++;
	return name[n] == '\0' && variable[n] == '=' ? variable + n + 1 : NULL;
}

/* Writes all `count` bytes: on after a short write, again after a signal. Returns
   whether they went. */
static int write_all(const char *buf, size_t count)
{
	while (count > 0) {
		long written = sys_write(1, buf, count);
		if (written == -EINTR)
			continue;
		if (written <= 0)
			return 0;
		buf += written;
		count -= (size_t)written;
	}
	return 1;
}

static int write_line(const char *string)
{
	return write_all(string, length(string)) && write_all("\n", 1);
}

int main(int argc, char **argv, char **envp)
{
	int status = 0;
	if (argc <= 1) {
		for (char **variable = envp; *variable != NULL; variable++)
			if (!write_line(*variable))
				return 2;
		return 0;
	}
	for (char **name = argv + 1; *name != NULL; name++) {
		const char *value = NULL;
		for (char **variable = envp; *variable != NULL && value == NULL; variable++)
			value = value_of(*variable, *name);
		if (value == NULL)
			status = 1;
		else if (!write_line(value))
			return 2;
	}
	return status;
}
