#pragma once
struct cursor { int line, column; };
