// Says hello, its arguments and a variable, all of which ops puts on its disk.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("hello from Nanos, GREETING is", os.Getenv("GREETING"))
	for i, word := range os.Args[1:] {
		fmt.Printf("argument %d is %s\n", i+1, word)
	}
}
