/* The same variables, as code finds them that was compiled for a shared library. */

extern __thread int initial;
extern __thread int zeros[100];
__thread long own = -1;

int *library_initial(void) { return &initial; }
int *library_zeros(void) { return zeros; }
long *library_own(void) { return &own; }
