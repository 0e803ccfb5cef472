/*
 * A function that the program `backtrace` calls. It is compiled without a frame
 * pointer, and keeps more numbers than there are registers: the frame pointer's is
 * one like the others.
 */

volatile int source = 1;

int through_c(int (*function)(int), int number)
{
	int a = source, b = source, c = source, d = source, e = source, f = source;
	int g = source, h = source, i = source, j = source, k = source, l = source;
	int m = source, n = source, o = source;
	int result = function(number);
	return result + a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h
	       + 9 * i + 10 * j + 11 * k + 12 * l + 13 * m + 14 * n + 15 * o;
}
