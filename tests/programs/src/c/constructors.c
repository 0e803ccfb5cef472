/* Functions that are called before main and at exit, of each kind. */

/* Adds a line to what the program prints. */
void note(const char *line);
/* Looks at the arguments that a constructor gets. */
void check(long argc, char **argv, char **envp);

typedef void constructor(long argc, char **argv, char **envp);
typedef void destructor(void);

#define IN(section_name) __attribute__((used, section(section_name)))

static void before_all(long argc, char **argv, char **envp)
{
	check(argc, argv, envp);
	note("preinit");
}

static void first(long argc, char **argv, char **envp)
{
	check(argc, argv, envp);
	note("init 101");
}

static void second(long argc, char **argv, char **envp)
{
	check(argc, argv, envp);
	note("init 102");
}

static void third(long argc, char **argv, char **envp)
{
	check(argc, argv, envp);
	note("init");
}

static void last(void) { note("fini 101"); }
static void third_last(void) { note("fini"); }
__attribute__((destructor(102))) static void second_last(void) { note("fini 102"); }

IN(".init_array") static constructor *const init = third;
IN(".init_array.00102") static constructor *const init_102 = second;
IN(".init_array.00101") static constructor *const init_101 = first;
IN(".preinit_array") static constructor *const preinit = before_all;
IN(".fini_array") static destructor *const fini = third_last;
IN(".fini_array.00101") static destructor *const fini_101 = last;
