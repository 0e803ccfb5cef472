// Prints the arguments and the environment, one a line, through a buffer of 4096 bytes.
package main

import (
	"bufio"
	"os"
)

func main() {
	out := bufio.NewWriterSize(os.Stdout, 4096)
	for _, strings := range [][]string{os.Args, os.Environ()} {
		for _, s := range strings {
			out.WriteString(s)
			out.WriteByte('\n')
		}
	}
	out.Flush()
}
