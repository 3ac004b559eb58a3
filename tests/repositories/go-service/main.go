// Package main moves containers with a crane whose cursor is model o1.
package main

import "fmt"

type order struct{ name string }

func main() {
	orders := []order{{"o1"}, {"o3"}}
	fmt.Println(len(orders), "soft­hyphen", `npx -y nothing`)
}
