/* One thread-local variable, aligned to a page, and without an initial value. */

__thread char page[100] __attribute__((aligned(4096)));

char *get_page(void) { return page; }
