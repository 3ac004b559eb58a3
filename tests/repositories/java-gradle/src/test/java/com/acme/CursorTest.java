package com.acme;

import static org.junit.jupiter.api.Assertions.assertEquals;
import org.junit.jupiter.api.Test;

class CursorTest {
    @Test void origin() {
        assertEquals("o1", Cursor.FIRST.model());
        assertEquals("o3", new Cursor("o3", 1).model());
    }
}
