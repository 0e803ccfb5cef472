/* Prints the arguments and the environment, one a line, through a buffer of 4096 bytes. */
#include <unistd.h>

static char buffer[4096];
static unsigned fill;

static void flush(void)
{
	write(1, buffer, fill);
	fill = 0;
}

static void put(char c)
{
	buffer[fill++] = c;
	if (fill == sizeof buffer)
		flush();
}

static void print(char **strings)
{
	for (; *strings; strings++) {
		for (const char *s = *strings; *s; s++)
			put(*s);
		put('\n');
	}
}

int main(int argc, char **argv, char **envp)
{
	(void)argc;
	print(argv);
	print(envp);
	flush();
	return 0;
}
