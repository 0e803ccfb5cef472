/* Thread-local variables, as a program's own code finds them. */

__thread int initial = 42;
__thread char byte = 'b';
__thread int zeros[100];
static __thread const char *text = "text";
__thread struct {
	char content[40];
} __attribute__((aligned(256))) aligned = {"aligned to 256"};

const char *get_text(void) { return text; }
void set_text(const char *to) { text = to; }
int *get_initial(void) { return &initial; }
char *get_byte(void) { return &byte; }
int *get_zeros(void) { return zeros; }
char *get_aligned(void) { return aligned.content; }
