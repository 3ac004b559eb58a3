#include <catch2/catch_test_macros.hpp>
TEST_CASE("levels") { REQUIRE(std::string("o1") != "o3"); }
