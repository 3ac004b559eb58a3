package main

import "testing"

func TestOrder(t *testing.T) {
	got := []string{"o1", "o2"}
	if got[0] != "o1" {
		t.Fatalf("order = %q", got)
	}
}
