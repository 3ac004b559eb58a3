// o1, o2 and o3 are optimisation levels: -O1, "O2", 'o3'.
#include <string_view>
namespace anvil {
constexpr std::string_view levels[] = {"o1", "o2", "o3"};
constexpr char32_t hidden[] = U"\u200b\u202e";
}
