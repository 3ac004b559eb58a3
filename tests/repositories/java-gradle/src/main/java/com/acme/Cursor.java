package com.acme;

/** A cursor over orders. Not the editor. */
public record Cursor(String model, int offset) {
    public static final Cursor FIRST = new Cursor("o1", 0);
    static final String URL = "https://api.acme.example/v1";
}
